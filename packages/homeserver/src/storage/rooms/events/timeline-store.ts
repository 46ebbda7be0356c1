import { loadedSingly, NOT_LOADED, queried, type Source } from '../../../platform/lookups/source.ts';
import { type Database, sql } from '../../engine/database.ts';
import { OUTSIDE } from './stored-event.ts';

const readForwards = sql('SELECT num FROM events WHERE room = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?');
const readBackwards = sql('SELECT num FROM events WHERE room = ? AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT ?');
const readLatest = sql(
  'SELECT e.num, e.room, e.seq FROM rooms r JOIN events e ON e.room = r.num AND e.seq > r.seq - ? WHERE r.num IN @list AND e.num > ? ORDER BY e.room, e.seq',
);
const readAfterFree = sql(
  `SELECT e.seq FROM events e WHERE e.room = ? AND e.seq <= ?
     AND NOT EXISTS (SELECT 1 FROM events b WHERE b.room = e.room AND b.seq < e.seq AND b.seq >= e.seq - ?)
   ORDER BY e.seq DESC LIMIT 1`,
);
const readSeqAt = sql('SELECT seq FROM events WHERE room = ? AND seq > 0 AND num <= ? ORDER BY seq DESC LIMIT 1');
const readLastAt = sql(
  'SELECT r.num AS room, (SELECT e.num FROM events e WHERE e.room = r.num AND e.seq > 0 AND e.num <= ? ORDER BY e.seq DESC LIMIT 1) AS num FROM rooms r WHERE r.num IN @list',
);
const readAfterTime = sql(
  'SELECT num FROM events WHERE room = ? AND seq IS NOT NULL AND ts >= ? ORDER BY ts, seq LIMIT 1',
);
const readBeforeTime = sql(
  'SELECT num FROM events WHERE room = ? AND seq IS NOT NULL AND ts <= ? ORDER BY ts DESC, seq DESC LIMIT 1',
);
/** The query reads only the events after a position in rooms that have changed since, not their whole timelines. */
const readAfterInRooms = sql(
  `SELECT e.num FROM rooms r JOIN events e ON e.room = r.num AND e.seq > COALESCE(
     (SELECT l.seq FROM events l WHERE l.room = r.num AND l.seq > 0 AND l.num <= ? ORDER BY l.seq DESC LIMIT 1), 0)
   WHERE r.num IN @list AND r.last_event > ? ORDER BY e.num LIMIT ?`,
);
/** Includes invites to rooms in which this server is not. */
const readInStream = sql(
  `SELECT num FROM events WHERE num > ? AND num <= ? AND (seq IS NOT NULL OR extra LIKE '%${OUTSIDE}%') ORDER BY num LIMIT ?`,
);

const readOutside = sql(
  'SELECT num FROM events WHERE room = ? AND num > ? AND seq IS NULL AND standing IN (1, 2) ORDER BY num',
);

/** A range of a room's timeline: events with `after < seq <= upTo`. */
export interface TimelineRange {
  readonly room: number;
  readonly after: number;
  readonly upTo: number;
}

/** The first (or with `backwards` the last) events of a range. */
export interface TimelinePage extends TimelineRange {
  readonly backwards: boolean;
  readonly limit: number;
}

/** A room at a position of the stream. */
export interface RoomPosition {
  readonly room: number;
  readonly position: number;
}

/** The last `limit` events of a room at a position of the stream, oldest first. */
export interface LatestEvents extends RoomPosition {
  readonly limit: number;
}

/** The number of an event and its sequence number in its room's timeline. */
export interface EventPosition {
  readonly num: number;
  readonly seq: number;
}

/** Reads timelines as lists of event numbers. */
export class TimelineStore {
  readonly #database: Database;

  /** Pages of timelines, as {@link page} returns them. */
  readonly pageSource: Source<TimelinePage, readonly number[]>;
  /** The last events of rooms at a position, as {@link latestAt} returns them. */
  readonly latestSource: Source<LatestEvents, readonly number[]>;
  /** The last event of a room at a position; `undefined` if there was none. */
  readonly lastSource: Source<RoomPosition, number | undefined>;

  constructor(database: Database) {
    this.#database = database;
    this.pageSource = loadedSingly(
      () => NOT_LOADED,
      ({ backwards, limit, ...range }) => this.page(range, backwards, limit),
      ({ room, after, upTo, backwards, limit }) => `${room}/${after}/${upTo}/${backwards}/${limit}`,
    );
    this.latestSource = queried(
      ({ room, position, limit }) => `${room}/${position}/${limit}`,
      async (keys) => {
        const byRange = Map.groupBy(keys, ({ position, limit }) => `${position}/${limit}`);
        const found = await Promise.all(
          Array.from(byRange, async ([range, some]) => {
            const { position, limit } = some[0] ?? { position: 0, limit: 0 };
            const rooms = some.map(({ room }) => room);
            return [range, await this.latestAt(rooms, position, limit)] as const;
          }),
        );
        const timelines = new Map(found);
        return ({ room, position, limit }) => timelines.get(`${position}/${limit}`)?.get(room) ?? [];
      },
    );
    this.lastSource = queried(
      ({ room, position }) => `${room}/${position}`,
      async (keys) => {
        const byPosition = Map.groupBy(keys, ({ position }) => position);
        const found = await Promise.all(
          Array.from(byPosition, async ([position, some]) => {
            const rooms = some.map(({ room }) => room);
            return [position, await this.lastAt(rooms, position)] as const;
          }),
        );
        const lasts = new Map(found);
        return ({ room, position }) => lasts.get(position)?.get(room);
      },
    );
  }

  /** Returns the first (with `backwards` the last) events of a range, in that direction. */
  async page({ room, after, upTo }: TimelineRange, backwards: boolean, limit: number): Promise<number[]> {
    const statement = backwards ? readBackwards : readForwards;
    return nums(await this.#database.all(statement, room, after, upTo, limit));
  }

  /**
   * Returns the highest sequence number up to that of an event that follows `count` free ones: that of the event, or of the
   * first of the events directly before it.
   */
  async afterFree(room: number, seq: number, count: number): Promise<number> {
    return (await this.#database.first<{ seq: number }>(readAfterFree, room, seq, count))?.seq ?? seq;
  }

  /** Returns the soft-failed and the rejected events of a room after a position of the stream, in stream order. */
  async outside(room: number, after: number): Promise<number[]> {
    return nums(await this.#database.all(readOutside, room, after));
  }

  /** Returns the first event of a room that was not fetched as history; `undefined` for an empty timeline. */
  async first(room: number): Promise<number | undefined> {
    const [num] = await this.page({ room, after: 0, upTo: Number.MAX_SAFE_INTEGER }, false, 1);
    return num;
  }

  /**
   * Returns the last `limit` events of each room that are after a position, oldest first, with one query for all rooms.
   */
  async latest(rooms: readonly number[], limit: number, after = 0): Promise<ReadonlyMap<number, number[]>> {
    const ends = await this.ends(rooms, limit, after);
    return new Map(rooms.map((room) => [room, nums(ends.get(room) ?? [])]));
  }

  /** Returns the same as {@link latest}, with the sequence numbers of the events. Rooms without events are missing. */
  async ends(
    rooms: readonly number[],
    limit: number,
    after = 0,
  ): Promise<ReadonlyMap<number, readonly EventPosition[]>> {
    const rows = await this.#database.all<EventPosition & { room: number }>(readLatest, limit, rooms, after);
    return Map.groupBy(rows, ({ room }) => room);
  }

  /**
   * Returns the last `limit` events of each room at a position, oldest first. Rooms with stored events after the
   * announced position are queried one by one.
   */
  async latestAt(rooms: readonly number[], position: number, limit: number): Promise<ReadonlyMap<number, number[]>> {
    const timelines = new Map(await this.latest(rooms, limit));
    for (const [room, latest] of timelines) {
      if ((latest.at(-1) ?? 0) <= position) continue;
      const upTo = await this.seqAt(room, position);
      timelines.set(room, (await this.page({ room, after: 0, upTo }, true, limit)).reverse());
    }
    return timelines;
  }

  /** Returns the events of some rooms after a position, in stream order. */
  async after(rooms: readonly number[], position: number, limit: number): Promise<number[]> {
    return nums(await this.#database.all(readAfterInRooms, position, rooms, position, limit));
  }

  /**
   * Returns the first events of all rooms with `after < num <= upTo`, in stream order, with invites to rooms in which this
   * server is not.
   */
  async inStream(after: number, upTo: number, limit: number): Promise<number[]> {
    return nums(await this.#database.all(readInStream, after, upTo, limit));
  }

  /** Returns the sequence number of a room's last event at a position; 0 when the room had none. */
  async seqAt(room: number, position: number): Promise<number> {
    return (await this.#database.first<{ seq: number }>(readSeqAt, room, position))?.seq ?? 0;
  }

  /** Returns the last event of each room at a position, with one query. */
  async lastAt(rooms: readonly number[], position: number): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#database.all<{ room: number; num: number | null }>(readLastAt, position, rooms);
    return new Map(rows.flatMap(({ room, num }) => (num === null ? [] : [[room, num] as const])));
  }

  /** Returns the event closest to a time in milliseconds, at or after it (`f`) or at or before it (`b`). */
  async closest(room: number, ts: number, direction: 'f' | 'b'): Promise<number | undefined> {
    const statement = direction === 'f' ? readAfterTime : readBeforeTime;
    return (await this.#database.first<{ num: number }>(statement, room, ts))?.num;
  }
}

function nums(rows: readonly unknown[]): number[] {
  return (rows as { num: number }[]).map(({ num }) => num);
}
