import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { inject } from 'vitest';
import { createDatabase } from '../../../../tests/support/postgres.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { openDatabase } from '../../src/storage/engine/open.ts';
import { PostgresDatabase } from '../../src/storage/engine/postgres/postgres.ts';
import type { PostgresLocation } from '../../src/storage/engine/postgres/postgres-connect.ts';
import type { WriterSession } from '../../src/storage/engine/postgres/postgres-session.ts';

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
    const session: WriterSession = {
      query: async (text, values) => {
        const result = await pg.query(text, values === undefined ? undefined : [...values]);
        return { rows: result.rows, rowCount: result.affectedRows ?? result.rows.length };
      },
      onLost: () => undefined,
      end: () => pg.close(),
    };
    const database = await PostgresDatabase.open({
      reading: session,
      openSession: () => Promise.resolve(session),
      owner: 'test',
      clock: systemClock,
      log: silentLog,
      onFatal: () => undefined,
      end: () => Promise.resolve(),
    });
    return { database, end: () => database.close() };
  },
};

/** The location of a PostgreSQL database, with the parts of this machine. */
export function postgresAt(url: string, others: Partial<PostgresLocation> = {}): PostgresLocation {
  const machine = { clock: systemClock, random: systemRandom, log: silentLog };
  return { url, ...machine, lockWaitMs: 0, onFatal: () => undefined, ...others };
}

/** A database of its own on a PostgreSQL server. */
function server(serverUrl: string): Engine {
  return {
    name: 'postgres (server)',
    async open() {
      const { url, drop } = await createDatabase(serverUrl);
      const database = await openDatabase(postgresAt(url));
      return {
        database,
        end: async () => {
          await database.close();
          await drop();
        },
      };
    },
  };
}

const url = inject('postgresUrl');

/** Every engine that can run here: the PostgreSQL server only where one is installed. */
export const engines: readonly Engine[] = [sqlite, pglite, ...(url === undefined ? [] : [server(url)])];
