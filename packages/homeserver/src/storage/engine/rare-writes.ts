import type { Database, Write } from './database.ts';

/** The number of unwritten values after which they are written at once. */
const UNWRITTEN_MAX = 5_000;

/**
 * Values that are collected in memory and written rarely, such as the time at which a device was seen. A crash loses
 * the last minutes of them, which is harmless. A write for each request would be expensive.
 */
export class RareWrites<K, V> {
  readonly #database: Database;
  readonly #writeOf: (key: K, value: V) => Write;
  readonly #unwritten = new Map<K, V>();

  constructor(database: Database, writeOf: (key: K, value: V) => Write) {
    this.#database = database;
    this.#writeOf = writeOf;
  }

  note(key: K, value: V): void {
    this.#unwritten.set(key, value);
    // An error here occurs in the next regular flush as well, and is reported there.
    if (this.#unwritten.size > UNWRITTEN_MAX) this.flush().catch(() => undefined);
  }

  /** Returns the value of a key that is not written yet. */
  of(key: K): V | undefined {
    return this.#unwritten.get(key);
  }

  /** Writes the collected values. */
  async flush(): Promise<void> {
    const writes = [...this.#unwritten].map(([key, value]) => this.#writeOf(key, value));
    this.#unwritten.clear();
    if (writes.length > 0) await this.#database.commit(writes);
  }
}
