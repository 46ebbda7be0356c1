import { eventIdOfStored, STANDING } from '../../../packages/homeserver/src/storage/rooms/events/stored-event.ts';
import type { SimStorage } from '../sim-database.ts';

/** An event as one server has stored it. */
export interface CopiedEvent {
  readonly id: string;
  readonly sender: string;
  readonly type: string;
  readonly standing: number;
}

interface Row extends Omit<CopiedEvent, 'id'> {
  readonly id: Uint8Array;
  readonly version: string;
}

const EVENTS = `SELECT e.id, r.version, e.standing, sender.text AS sender, type.text AS type FROM events e
  JOIN rooms r ON r.num = e.room JOIN names room ON room.num = e.room JOIN names sender ON sender.num = e.sender
  JOIN names type ON type.num = e.type WHERE room.text = ? ORDER BY e.num`;

const LAST_CHANGE = `SELECT e.id, r.version FROM memberships m JOIN events e ON e.num = m.position
  JOIN rooms r ON r.num = m.room JOIN names room ON room.num = m.room JOIN names member ON member.num = m.user_num
  WHERE room.text = ? AND member.text = ?`;

const STAGED = 'SELECT count(*) AS count FROM staged_events';

/** Returns the events of a room in the database of a server, by event id. Outliers have been replaced by later rows. */
export function eventsOf(database: SimStorage, roomId: string): Map<string, CopiedEvent> {
  const events = new Map<string, CopiedEvent>();
  for (const { id, version, ...event } of database.look<Row>(EVENTS, roomId)) {
    const eventId = eventIdOfStored(id, version);
    const known = events.get(eventId);
    if (known === undefined || known.standing === STANDING.outlier) events.set(eventId, { ...event, id: eventId });
  }
  return events;
}

/** Returns the id of the event with which the membership of a user has changed last, if it has changed with an event. */
export function lastChangeOf(database: SimStorage, roomId: string, userId: string): string | undefined {
  const [row] = database.look<Pick<Row, 'id' | 'version'>>(LAST_CHANGE, roomId, userId);
  return row && eventIdOfStored(row.id, row.version);
}

/** Returns the number of received events that a server has not processed. */
export function stagedCount(database: SimStorage): number {
  return database.look<{ count: number }>(STAGED)[0]?.count ?? 0;
}
