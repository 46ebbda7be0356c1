import { type Database, sql, type Write, write } from '../../engine/database.ts';
import { eventIdOfStored, storedEventId } from './stored-event.ts';

const insert = sql(
  'INSERT INTO missing_events (room, id, follower) VALUES (?, ?, ?) ON CONFLICT (room, id, follower) DO NOTHING',
);
const remove = sql('DELETE FROM missing_events WHERE room = ? AND id = ?');
const readFollowers = sql('SELECT follower FROM missing_events WHERE room = ? AND id = ?');
const readOfRoom = sql(
  `SELECT m.id, e.depth, e.seq, e.num FROM missing_events m JOIN events e ON e.num = m.follower
   WHERE m.room = ? ORDER BY e.depth DESC LIMIT ?`,
);

/** An event that this server does not have, with the depth and place of an event that follows it. */
export interface MissingEvent {
  readonly eventId: string;
  readonly depth: number;
  readonly seq: number | null;
  readonly follower: number;
}

/**
 * The events that stored events follow, and that this server does not have. The events that follow them are the
 * backward extremities of a room.
 */
export class MissingEvents {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns the writes that record the missing events that an event follows. */
  insert(room: number, eventIds: readonly string[], follower: number): Write[] {
    return eventIds.map((eventId) => write(insert, room, storedEventId(eventId), follower));
  }

  /** Returns the write that records that an event is no longer missing. */
  remove(room: number, eventId: string): Write {
    return write(remove, room, storedEventId(eventId));
  }

  /** Returns whether stored events follow an event that is missing. */
  async isMissing(room: number, eventId: string): Promise<boolean> {
    return (await this.#database.first(readFollowers, room, storedEventId(eventId))) !== undefined;
  }

  /** Returns the missing events of a room, those after which the latest events came first. */
  async ofRoom(room: number, limit: number, standardBase64: boolean): Promise<MissingEvent[]> {
    const rows = await this.#database.all<{ id: Uint8Array; depth: number; seq: number | null; num: number }>(
      readOfRoom,
      room,
      limit,
    );
    return rows.map(({ id, depth, seq, num }) => ({
      eventId: eventIdOfStored(id, standardBase64),
      depth,
      seq,
      follower: num,
    }));
  }
}
