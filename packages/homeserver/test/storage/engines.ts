import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import type { Database } from '../../src/storage/database.ts';
import { openDatabase } from '../../src/storage/open.ts';
import { PostgresDatabase } from '../../src/storage/postgres.ts';

/** An engine of the contract suite: opens a fresh database; `end` closes it and removes its data. */
export interface Engine {
  readonly name: string;
  readonly open: () => Promise<{ database: Database; end: () => Promise<void> }>;
}

export const sqlite: Engine = {
  name: 'sqlite',
  async open() {
    const dataDir = mkdtempSync(join(tmpdir(), 'hearth-storage-'));
    const database = await openDatabase({ dataDir });
    return {
      database,
      end: async () => {
        await database.close();
        rmSync(dataDir, { recursive: true });
      },
    };
  },
};

const INT8 = 20;

const pglite: Engine = {
  name: 'postgres (in process)',
  async open() {
    const pg = new PGlite({ parsers: { [INT8]: Number } });
    const connection = {
      query: async (text: string, values?: unknown[]) => {
        const result = await pg.query(text, values);
        return { rows: result.rows, rowCount: result.affectedRows ?? result.rows.length };
      },
    };
    const database = new PostgresDatabase(connection, connection, () => pg.close());
    await database.migrate();
    return { database, end: () => database.close() };
  },
};

/** A schema of its own on a real server, so that runs do not meet. */
function server(url: string): Engine {
  return {
    name: 'postgres (server)',
    async open() {
      const pg = await import('pg');
      const schema = `contract_${process.pid}_${performance.now().toString().replace('.', '_')}`;
      const admin = new pg.default.Client({ connectionString: url });
      await admin.connect();
      await admin.query(`CREATE SCHEMA ${schema}`);
      const target = new URL(url);
      target.searchParams.set('options', `-c search_path=${schema}`);
      const database = await openDatabase({ url: target.href });
      return {
        database,
        end: async () => {
          await database.close();
          await admin.query(`DROP SCHEMA ${schema} CASCADE`);
          await admin.end();
        },
      };
    },
  };
}

const url = process.env.HEARTH_TEST_POSTGRES_URL;

/** Every engine that can run here; the real server when `HEARTH_TEST_POSTGRES_URL` names one. */
export const engines: readonly Engine[] = [sqlite, pglite, ...(url === undefined ? [] : [server(url)])];
