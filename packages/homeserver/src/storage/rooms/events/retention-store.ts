import { type Database, sql, type Write, write } from '../../engine/database.ts';

const readRooms = sql('SELECT num FROM rooms WHERE num > ? ORDER BY num LIMIT ?');
const readExpired = sql(
  `SELECT num FROM events WHERE room = ? AND seq IS NOT NULL AND ts < ? AND state_key IS NULL AND num < ?
   ORDER BY ts LIMIT ?`,
);
const forgetEvent = sql('UPDATE events SET seq = NULL, content = ? WHERE num = ?');

/** Reads and deletes old messages. */
export class RetentionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns the next rooms after a room. */
  async rooms(after: number, limit: number): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readRooms, after, limit)).map(({ num }) => num);
  }

  /** Returns messages of a room that are older than a time and before the event `last`, the oldest first. */
  async expired(room: number, ts: number, last: number, limit: number): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readExpired, room, ts, last, limit)).map(({ num }) => num);
  }

  /**
   * Returns the write that removes an event from its timeline and removes its content. Its edges in the graph remain.
   */
  forget(num: number, contentText: string): Write {
    return write(forgetEvent, contentText, num);
  }
}
