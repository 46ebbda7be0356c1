import { type Database, sql, type Write, write } from '../../engine/database.ts';

const insert = sql('INSERT INTO transactions (device, txn, event, ts) VALUES (?, ?, ?, ?)');
const read = sql('SELECT event FROM transactions WHERE device = ? AND txn = ?');
const readOfEvents = sql('SELECT event, device, txn FROM transactions WHERE event IN @list');
const readOlder = sql('SELECT event FROM transactions WHERE ts < ? ORDER BY ts LIMIT ?');
const remove = sql('DELETE FROM transactions WHERE event IN @list');

/** The number of rows that are deleted at once, so that other writes do not wait. */
const REMOVED_AT_ONCE = 2_000;

/** Which events devices have sent under which transaction ids (client-server API, "Transaction identifiers"). */
export class TransactionStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(device: number, txn: string, event: number, ts: number): Write {
    return write(insert, device, txn, event, ts);
  }

  /** The event that a device has sent under this id. */
  async find(device: number, txn: string): Promise<number | undefined> {
    return (await this.#database.first<{ event: number }>(read, device, txn))?.event;
  }

  /** The devices that have sent any of these events, and under which ids. */
  async ofEvents(events: readonly number[]): Promise<ReadonlyMap<number, { device: number; txn: string }>> {
    const rows = await this.#database.all<{ event: number; device: number; txn: string }>(readOfEvents, events);
    return new Map(rows.map(({ event, device, txn }) => [event, { device, txn }]));
  }

  /** Forgets what is older than a time in milliseconds. */
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
