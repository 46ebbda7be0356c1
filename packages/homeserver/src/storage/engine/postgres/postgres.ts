import { type Clock, sleep } from '../../../platform/clock.ts';
import { Unavailable } from '../../../platform/unavailable.ts';
import type { Bound, Database, Statement, Write } from '../database.ts';
import { migrate } from '../migrate.ts';
import { checkStorable } from '../storable-text.ts';
import { toPostgres, toPostgresSchema } from './postgres-dialect.ts';
import { ConnectionLost, type PostgresConnection } from './postgres-session.ts';
import { PostgresWriter, type WriterOptions } from './postgres-writer.ts';

export interface PostgresParts extends Omit<WriterOptions, 'render'> {
  readonly reading: PostgresConnection;
  readonly clock: Clock;
  /** Closes the connections that read. */
  readonly end: () => Promise<void>;
}

/** The number of attempts of a read that fails because a connection broke. The pause between them doubles. */
const READ_ATTEMPTS = 6;
const READ_PAUSE_FIRST_MS = 20;

/** The PostgreSQL engine: reads use a pool of connections, writes use one connection in groups. */
export class PostgresDatabase implements Database {
  readonly dialect = 'postgres';
  readonly isExclusive = false;
  readonly #parts: PostgresParts;
  readonly #writer: PostgresWriter;
  readonly #texts: string[] = [];

  private constructor(parts: PostgresParts) {
    this.#parts = parts;
    this.#writer = new PostgresWriter({
      ...parts,
      render: ({ statement, values, columns }) => [this.#text(statement), columns ?? values],
    });
  }

  /** Connects and applies the missing migrations. @throws DatabaseInUse */
  static async open(parts: PostgresParts): Promise<PostgresDatabase> {
    const database = new PostgresDatabase(parts);
    await database.#writer.open((session) =>
      migrate({
        dialect: 'postgres',
        run: async (text) => {
          await session.query(toPostgresSchema(text));
        },
        versions: async () => {
          const { rows } = await session.query('SELECT version, oldest_compatible FROM schema_versions');
          return rows as { version: number; oldest_compatible: number }[];
        },
      }),
    );
    return database;
  }

  async all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]> {
    checkStorable(values);
    const text = this.#text(statement);
    for (let attempt = 1; ; attempt += 1) {
      const connected = this.#writer.whenConnected();
      if (connected !== undefined) await connected;
      try {
        const { rows } = await this.#parts.reading.query(text, values);
        return rows as Row[];
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        if (attempt === READ_ATTEMPTS) throw new Unavailable(`The database cannot be read: ${error.message}`);
        await sleep(this.#parts.clock, READ_PAUSE_FIRST_MS * 2 ** attempt);
      }
    }
  }

  async first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined> {
    return (await this.all<Row>(statement, ...values))[0];
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#writer.commit(writes);
  }

  async close(): Promise<void> {
    await this.#writer.close();
    await this.#parts.end();
  }

  #text(statement: Statement): string {
    const text = this.#texts[statement.index] ?? toPostgres(statement);
    this.#texts[statement.index] = text;
    return text;
  }
}
