import pg from 'pg';
import type { Bound, Database, Statement, Write } from './database.ts';
import { GroupCommit, type Outcome } from './group-commit.ts';
import { migrate } from './migrate.ts';
import { NoConnection } from './no-connection.ts';

/** The little of a PostgreSQL driver that this file uses; `pg` and an in-process PostgreSQL both offer it. */
export interface PostgresConnection {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number }>;
}

const READ_CONNECTIONS_MAX = 8;

/** PostgreSQL's 64-bit integers as numbers; all of ours stay below 2^53. */
const TYPE_INT8 = 20;

/** Connects to a server and brings its schema up to date. @throws NoConnection */
export async function openPostgres(url: string): Promise<Database> {
  pg.types.setTypeParser(TYPE_INT8, Number);
  const pool = new pg.Pool({ connectionString: url, max: READ_CONNECTIONS_MAX });
  // Statements of a group are sent without waiting for one another.
  const writer = new pg.Client({ connectionString: url, pipeline: true });
  await writer.connect().catch((error: unknown) => {
    throw new NoConnection(error);
  });
  const reading: PostgresConnection = { query: async (text, values) => counted(await pool.query(text, values)) };
  const writing: PostgresConnection = { query: async (text, values) => counted(await writer.query(text, values)) };
  const database = new PostgresDatabase(reading, writing, async () => {
    await pool.end();
    await writer.end();
  });
  await database.migrate();
  return database;
}

function counted(result: { rows: unknown[]; rowCount: number | null }): { rows: unknown[]; rowCount: number } {
  return { rows: result.rows, rowCount: result.rowCount ?? 0 };
}

/** The same functions on PostgreSQL: reads from a pool, writes in groups on one connection. */
export class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly isExclusive = false;
  readonly #reading: PostgresConnection;
  readonly #writing: PostgresConnection;
  readonly #end: () => Promise<void>;
  readonly #group = new GroupCommit((transactions) => this.#commitGroup(transactions));
  readonly #texts: string[] = [];

  constructor(reading: PostgresConnection, writing: PostgresConnection, end: () => Promise<void>) {
    this.#reading = reading;
    this.#writing = writing;
    this.#end = end;
  }

  /** Brings the schema up to date. */
  async migrate(): Promise<void> {
    await migrate({
      dialect: 'postgres',
      run: async (text) => {
        await this.#writing.query(toPostgresSchema(text));
      },
      versions: async () => {
        const { rows } = await this.#writing.query('SELECT version, oldest_compatible FROM schema_versions');
        return rows as { version: number; oldest_compatible: number }[];
      },
    });
  }

  async all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]> {
    const { rows } = await this.#reading.query(this.#text(statement), values);
    return rows as Row[];
  }

  async first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined> {
    return (await this.all<Row>(statement, ...values))[0];
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#group.commit(writes);
  }

  async close(): Promise<void> {
    await this.#group.drained();
    await this.#end();
  }

  #text(statement: Statement): string {
    const text = this.#texts[statement.index] ?? toPostgres(statement);
    this.#texts[statement.index] = text;
    return text;
  }

  async #commitGroup(transactions: readonly (readonly Write[])[]): Promise<readonly Outcome[]> {
    const outcome = await this.#transaction(transactions.flat());
    if (outcome === null || transactions.length === 1) return transactions.map(() => outcome);
    const outcomes: Outcome[] = [];
    for (const writes of transactions) outcomes.push(await this.#transaction(writes));
    return outcomes;
  }

  /** Sends every statement without waiting for the one before; the server runs them in order. */
  async #transaction(writes: readonly Write[]): Promise<Outcome> {
    const results = [this.#writing.query('BEGIN')];
    for (const { statement, values, columns } of writes) {
      results.push(this.#writing.query(this.#text(statement), [...(columns ?? values)]));
    }
    const settled = await Promise.allSettled(results);
    const failed = settled.find((result) => result.status === 'rejected');
    // A guard stands before the writes that it guards: what fails after it, fails because of what it found.
    const fenced = writes.some(({ changes }, i) => isFenced(changes, settled[i + 1]));
    if (failed === undefined && !fenced) {
      await this.#writing.query('COMMIT');
      return null;
    }
    await this.#writing.query('ROLLBACK');
    return { fenced, message: fenced ? 'a guard did not find what it expected' : String(failed?.reason) };
  }
}

function isFenced(
  changes: number | undefined,
  result: PromiseSettledResult<{ rowCount: number }> | undefined,
): boolean {
  return changes !== undefined && result?.status === 'fulfilled' && result.value.rowCount !== changes;
}

/** `?` becomes `$1`, `$2` …; lists are arrays. The rows of a statement for many are an array for each column. */
function toPostgres({ text, columns }: Statement): string {
  if (columns !== undefined) {
    const arrays = columns.map((type, i) => `$${i + 1}::${type === 'integer' ? 'BIGINT' : 'TEXT'}[]`);
    return text.replace(/VALUES \([?, ]+\)/, `SELECT * FROM unnest(${arrays.join(', ')})`);
  }
  let count = 0;
  return text.replaceAll(/IN @list|IN @blobs|\?/g, (found) => {
    count += 1;
    return found === '?' ? `$${count}` : `= ANY($${count})`;
  });
}

function toPostgresSchema(text: string): string {
  return text.replaceAll('INTEGER', 'BIGINT').replaceAll('BLOB', 'BYTEA').replaceAll(') WITHOUT ROWID', ')');
}
