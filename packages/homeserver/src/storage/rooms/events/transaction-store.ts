import { type Database, sql, type Write, write } from '../../engine/database.ts';

const insert = sql('INSERT INTO transactions (device, txn, event, ts) VALUES (?, ?, ?, ?)');
const read = sql('SELECT event FROM transactions WHERE device = ? AND txn = ?');
const readOfEvents = sql('SELECT event, device, txn FROM transactions WHERE event IN @list');
const readOlder = sql('SELECT event FROM transactions WHERE ts < ? ORDER BY ts LIMIT ?');
const remove = sql('DELETE FROM transactions WHERE event IN @list');

/** The number of rows that are deleted at once, so that other writes do not wait. */
const REMOVED_AT_ONCE = 2_000;

/** The events that devices have sent, by transaction id (client-server API, "Transaction identifiers"). */
export class TransactionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(device: number, txn: string, event: number, ts: number): Write {
    return write(insert, device, txn, event, ts);
  }

  /** Returns the event that a device has sent with this transaction id. */
  async find(device: number, txn: string): Promise<number | undefined> {
    return (await this.#database.first<{ event: number }>(read, device, txn))?.event;
  }

  /** Returns the devices that have sent these events, with the transaction ids. */
  async ofEvents(events: readonly number[]): Promise<ReadonlyMap<number, { device: number; txn: string }>> {
    const rows = await this.#database.all<{ event: number; device: number; txn: string }>(readOfEvents, events);
    return new Map(rows.map(({ event, device, txn }) => [event, { device, txn }]));
  }

  /** Deletes rows that are older than a time in milliseconds. */
  async expire(beforeTs: number): Promise<void> {
    for (;;) {
      const rows = await this.#database.all<{ event: number }>(readOlder, beforeTs, REMOVED_AT_ONCE);
      if (rows.length === 0) return;
      await this.#database.commit([
        write(
          remove,
          rows.map(({ event }) => event),
        ),
      ]);
    }
  }
}
