import type { Bound, Database, Statement, Write } from '../../../packages/homeserver/src/storage/engine/database.ts';

/** The connection of one process to a database. After the end of the process it gets no more answers. */
export class ProcessDatabase implements Database {
  readonly dialect;
  readonly isExclusive;
  readonly #database: Database;
  #hasEnded = false;

  constructor(database: Database) {
    this.#database = database;
    this.dialect = database.dialect;
    this.isExclusive = database.isExclusive;
  }

  all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]> {
    return this.#untilEnd(() => this.#database.all<Row>(statement, ...values));
  }

  first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined> {
    return this.#untilEnd(() => this.#database.first<Row>(statement, ...values));
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#untilEnd(() => this.#database.commit(writes));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Ends the process. Transactions that have begun are committed, but the process does not get to know. */
  end(): void {
    this.#hasEnded = true;
  }

  async #untilEnd<T>(run: () => Promise<T>): Promise<T> {
    if (this.#hasEnded) return never();
    try {
      const result = await run();
      return this.#hasEnded ? await never() : result;
    } catch (error) {
      if (this.#hasEnded) return never();
      throw error;
    }
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
