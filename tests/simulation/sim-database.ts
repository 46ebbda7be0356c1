import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Bound, Database, Statement, Write } from '../../packages/homeserver/src/storage/engine/database.ts';
import { GroupCommit, type Outcome } from '../../packages/homeserver/src/storage/engine/group-commit.ts';
import { migrate } from '../../packages/homeserver/src/storage/engine/migrate.ts';
import { bindSqlite, toSqlite } from '../../packages/homeserver/src/storage/engine/sqlite/sqlite-dialect.ts';
import type { Dice } from '../support/dice.ts';

/** The latency of the database, in turns of the event loop. */
export interface Latency {
  readonly readTurnsMax: number;
  readonly commitTurnsMax: number;
}

/** A database that the simulation can inspect. */
export interface SimStorage extends Database {
  /** Whether no read or write is in progress. */
  readonly isIdle: boolean;
  /** Queries the database directly, without the server. */
  look<Row>(text: string, ...values: (string | number)[]): Row[];
}

/**
 * The embedded database without its thread, so that a seed decides the order of events. A commit takes some turns of
 * the event loop. A read does too if the latency says so, as with a database server.
 */
export class SimDatabase implements SimStorage {
  readonly dialect = 'sqlite';
  readonly isExclusive = true;
  readonly #connection = new DatabaseSync(':memory:');
  readonly #prepared: StatementSync[] = [];
  readonly #dice: Dice;
  readonly #latency: Latency;
  readonly #group: GroupCommit;
  #running = 0;

  private constructor(dice: Dice, latency: Latency) {
    this.#dice = dice;
    this.#latency = latency;
    this.#group = new GroupCommit(({ transactions }) => this.#commitGroup(transactions));
  }

  static async open(dice: Dice, latency: Latency): Promise<SimDatabase> {
    const database = new SimDatabase(dice, latency);
    const connection = database.#connection;
    await migrate({
      dialect: 'sqlite',
      run: async (text) => connection.exec(text),
      versions: async () =>
        connection.prepare('SELECT version, oldest_compatible FROM schema_versions').all() as {
          version: number;
          oldest_compatible: number;
        }[],
    });
    return database;
  }

  /** Whether no read or write is in progress. */
  get isIdle(): boolean {
    return this.#running === 0;
  }

  /** Queries the database directly, without the server. */
  look<Row>(text: string, ...values: (string | number)[]): Row[] {
    return this.#connection.prepare(text).all(...values) as Row[];
  }

  all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]> {
    return this.#read(() => this.#prepare(statement).all(...values.map(bindSqlite)) as Row[]);
  }

  first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined> {
    return this.#read(() => this.#prepare(statement).get(...values.map(bindSqlite)) as Row | undefined);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    this.#running += 1;
    try {
      await this.#group.commit(writes);
    } finally {
      this.#running -= 1;
    }
  }

  async close(): Promise<void> {
    await this.#group.drained();
    this.#connection.close();
  }

  /** Runs a query after some turns. The rows are those of a random moment in this time. */
  async #read<T>(read: () => T): Promise<T> {
    const turns = this.#dice.between(0, this.#latency.readTurnsMax);
    if (turns === 0) return read();
    this.#running += 1;
    try {
      const before = this.#dice.between(0, turns);
      await pass(before);
      const rows = read();
      await pass(turns - before);
      return rows;
    } finally {
      this.#running -= 1;
    }
  }

  #prepare({ index, text }: Statement): StatementSync {
    const prepared = this.#prepared[index] ?? this.#connection.prepare(toSqlite(text));
    this.#prepared[index] = prepared;
    return prepared;
  }

  async #commitGroup(transactions: readonly (readonly Write[])[]): Promise<readonly Outcome[]> {
    await pass(this.#dice.between(0, this.#latency.commitTurnsMax));
    const outcomes = transactions.map((writes) => this.#transaction(writes));
    await pass(this.#dice.between(0, this.#latency.commitTurnsMax));
    return outcomes;
  }

  #transaction(writes: readonly Write[]): Outcome {
    this.#connection.exec('BEGIN');
    try {
      for (const { statement, values, columns, changes } of writes) {
        const prepared = this.#prepare(statement);
        let changed = 0;
        for (const row of rowsOf(columns) ?? [values]) changed += Number(prepared.run(...row.map(bindSqlite)).changes);
        if (changes !== undefined && changed !== changes) return this.#rollback(true, 'a guard failed');
      }
    } catch (error) {
      return this.#rollback(false, String(error));
    }
    this.#connection.exec('COMMIT');
    return null;
  }

  #rollback(fenced: boolean, message: string): Outcome {
    this.#connection.exec('ROLLBACK');
    return { fenced, message };
  }
}

/** Returns the rows of a write for many rows. */
function rowsOf(columns: Write['columns']): Bound[][] | undefined {
  if (columns === undefined) return undefined;
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, i) => columns.map((column) => column[i] ?? null));
}

async function pass(turns: number): Promise<void> {
  for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
