import { type Database, sql, type Write, write } from '../../engine/database.ts';
import { FIRST_POSITION } from '../../engine/stream.ts';

const readLowest = sql('SELECT reserved FROM positions WHERE slot = ?');
const writeLowest = sql(
  'INSERT INTO positions (slot, reserved) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET reserved = excluded.reserved',
);

/** The row of the numbers in `positions`; row 0 belongs to the stream. */
const SLOT = 1;

/**
 * The numbers of events from before this server joined a room. They descend from the first position of the stream, so
 * that such events are older than all events that were received as they happened.
 */
export class HistoryNumbers {
  #lowest: number;

  private constructor(lowest: number) {
    this.#lowest = lowest;
  }

  static async open(database: Database): Promise<HistoryNumbers> {
    const row = await database.first<{ reserved: number }>(readLowest, SLOT);
    return new HistoryNumbers(row?.reserved ?? FIRST_POSITION);
  }

  /** Takes numbers, in ascending order. The transaction that uses them contains {@link write}. */
  take(count: number): number[] {
    this.#lowest -= count;
    return Array.from({ length: count }, (_, i) => this.#lowest + i);
  }

  write(): Write {
    return write(writeLowest, SLOT, this.#lowest);
  }
}
