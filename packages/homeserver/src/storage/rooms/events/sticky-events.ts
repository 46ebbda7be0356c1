import { type Database, sql, type Write, write } from '../../engine/database.ts';

const readCurrent = sql('SELECT num, room, expires_ts FROM sticky_events WHERE expires_ts > ? ORDER BY num');
const insert = sql('INSERT INTO sticky_events (num, room, expires_ts) VALUES (?, ?, ?)');
const removeOlder = sql('DELETE FROM sticky_events WHERE expires_ts <= ?');

/** An event that is sticky until a time in milliseconds. */
export interface StickyRow {
  readonly num: number;
  readonly room: number;
  readonly expires_ts: number;
}

/** The maximum number of sticky events of a room. Older ones are only in the timeline. */
const IN_ROOM_MAX = 1_000;
const NONE: readonly StickyRow[] = [];

/** The sticky events (MSC4354), stored and cached. No event is sticky for longer than an hour. */
export class StickyStore {
  readonly #database: Database;
  readonly #rooms = new Map<number, StickyRow[]>();

  private constructor(database: Database, rows: readonly StickyRow[]) {
    this.#database = database;
    for (const row of rows) this.add(row);
  }

  static async open(database: Database, now: number): Promise<StickyStore> {
    return new StickyStore(database, await database.all<StickyRow>(readCurrent, now));
  }

  insert({ num, room, expires_ts }: StickyRow): Write {
    return write(insert, num, room, expires_ts);
  }

  /** Adds a stored event to the cache. */
  add(row: StickyRow): void {
    const rows = this.#rooms.get(row.room);
    if (rows === undefined) this.#rooms.set(row.room, [row]);
    else if (rows.push(row) > IN_ROOM_MAX) rows.shift();
  }

  /** Returns the events of a room that are sticky at a time, oldest first. */
  of(room: number, now: number): readonly StickyRow[] {
    const rows = this.#rooms.get(room);
    return rows === undefined ? NONE : rows.filter(({ expires_ts }) => expires_ts > now);
  }

  /** Deletes events that are no longer sticky at a time. */
  async expire(now: number): Promise<void> {
    for (const [room, rows] of this.#rooms) {
      const current = rows.filter(({ expires_ts }) => expires_ts > now);
      if (current.length === 0) this.#rooms.delete(room);
      else if (current.length < rows.length) this.#rooms.set(room, current);
    }
    await this.#database.commit([write(removeOlder, now)]);
  }
}
