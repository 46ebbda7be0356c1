import { type Database, sql, type Write, write } from '../../engine/database.ts';

const readRooms = sql('SELECT num FROM rooms WHERE num > ? ORDER BY num LIMIT ?');
const readExpired = sql(
  `SELECT num FROM events WHERE room = ? AND seq IS NOT NULL AND ts < ? AND state_key IS NULL AND num < ?
   ORDER BY ts LIMIT ?`,
);
const forgetEvent = sql('UPDATE events SET seq = NULL, content = ? WHERE num = ?');

/** The stores that deleting old messages needs. */
export class RetentionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The next rooms after one. */
  async rooms(after: number, limit: number): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readRooms, after, limit)).map(({ num }) => num);
  }

  /** Messages of a room from before a time, and before the event `last`, the oldest first. */
  async expired(room: number, ts: number, last: number, limit: number): Promise<number[]> {
    return (await this.#database.all<{ num: number }>(readExpired, room, ts, last, limit)).map(({ num }) => num);
  }

  /** Takes an event out of its timeline, and its content away. Its place in the graph stays. */
  forget(num: number, contentText: string): Write {
    return write(forgetEvent, contentText, num);
  }
}
