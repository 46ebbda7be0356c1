import { type Database, sql, type Write, write } from './database.ts';

const insert = sql('INSERT INTO transactions (device, txn, event, ts) VALUES (?, ?, ?, ?)');
const read = sql('SELECT event FROM transactions WHERE device = ? AND txn = ?');
const readOfEvents = sql('SELECT event, txn FROM transactions WHERE device = ? AND event IN @list');
const expire = sql('DELETE FROM transactions WHERE ts < ?');

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

  /** The ids under which a device has sent any of these events. */
  async ofEvents(device: number, events: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const rows = await this.#database.all<{ event: number; txn: string }>(readOfEvents, device, events);
    return new Map(rows.map(({ event, txn }) => [event, txn]));
  }

  /** The write that forgets what is older than a time in milliseconds. */
  expire(beforeTs: number): Write {
    return write(expire, beforeTs);
  }
}
