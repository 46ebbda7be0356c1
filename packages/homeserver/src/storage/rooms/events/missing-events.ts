import { type Database, sql, type Write, write } from '../../engine/database.ts';
import { ENTRY, eventIdOfStored, storedEventId } from './stored-event.ts';

const insert = sql(
  'INSERT INTO missing_events (room, id, follower) VALUES (?, ?, ?) ON CONFLICT (room, id, follower) DO NOTHING',
);
const remove = sql('DELETE FROM missing_events WHERE room = ? AND id = ?');
const readFollowers = sql('SELECT follower FROM missing_events WHERE room = ? AND id = ?');
const readInRange = sql(
  `SELECT m.id, e.seq, e.num FROM missing_events m JOIN events e ON e.num = m.follower
   WHERE m.room = ? AND e.seq > ? AND e.seq <= ? ORDER BY e.seq DESC LIMIT ?`,
);
const readLatestSeq = sql(
  `SELECT max(e.seq) AS seq FROM missing_events m JOIN events e ON e.num = m.follower
   WHERE m.room = ? AND m.id IN @blobs`,
);
const readAny = sql('SELECT follower FROM missing_events WHERE room = ? LIMIT 1');

const readEntryDepth = sql(
  `SELECT max(e.depth) AS depth FROM missing_events m JOIN events e ON e.num = m.follower
   WHERE m.room = ? AND e.extra LIKE '%${ENTRY}%'`,
);

/** An event that this server does not have, and the event of the timeline that follows it. */
export interface MissingEvent {
  readonly eventId: string;
  readonly follower: number;
  /** The sequence number of the follower. */
  readonly seq: number;
}

/** The number of missing events that are read at once. An event follows at most 20. */
const READ_MAX = 20;

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

  /** Returns whether an event of a room is missing. */
  async isIncomplete(room: number): Promise<boolean> {
    return (await this.#database.first(readAny, room)) !== undefined;
  }

  /** Returns the depth of the last join by which this server came into a room and before which events are missing. */
  async entryDepth(room: number): Promise<number | undefined> {
    return (await this.#database.first<{ depth: number | null }>(readEntryDepth, room))?.depth ?? undefined;
  }

  /** Returns missing events before events with `after < seq <= upTo`, those before the latest events first. */
  async inRange(
    { room, after, upTo }: { readonly room: number; readonly after: number; readonly upTo: number },
    version: string,
  ): Promise<MissingEvent[]> {
    const rows = await this.#database.all<{ id: Uint8Array; seq: number; num: number }>(
      readInRange,
      room,
      after,
      upTo,
      READ_MAX,
    );
    return rows.map(({ id, seq, num }) => ({ eventId: eventIdOfStored(id, version), follower: num, seq }));
  }

  /** Returns the sequence number of the last event of the timeline before which one of some events is missing. */
  async latestSeq(room: number, eventIds: readonly string[]): Promise<number | undefined> {
    const row = await this.#database.first<{ seq: number | null }>(readLatestSeq, room, eventIds.map(storedEventId));
    return row?.seq ?? undefined;
  }
}
