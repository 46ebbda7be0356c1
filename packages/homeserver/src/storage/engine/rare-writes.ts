import type { Database, Write } from './database.ts';

/** More are not waited for: they are written at once. */
const UNWRITTEN_MAX = 5_000;

/**
 * Values that are kept in memory and written rarely, the last of each key: losing the last minutes of them in a crash is
 * harmless, a write for each request is not.
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

  /** The changes that are not in the database yet. */
  of(key: K): V | undefined {
    return this.#unwritten.get(key);
  }

  /** Writes what has been noted. */
  async flush(): Promise<void> {
    const writes = [...this.#unwritten].map(([key, value]) => this.#writeOf(key, value));
    this.#unwritten.clear();
    if (writes.length > 0) await this.#database.commit(writes);
  }
}
