import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { createDatabase, queryOn } from '../support/postgres.ts';

const LAUNCHER = fileURLToPath(new URL('../launcher', import.meta.url));
const postgres = inject('postgresUrl');

/** A server on a PostgreSQL database, in a separate process. */
class Process {
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  log = '';

  constructor(dataDir: string, port: number, databaseUrl: string) {
    const env = {
      SERVER_NAME: 'x.test',
      HS_CLIENT_PORT: `${port}`,
      HS_DATA_DIR: dataDir,
      HS_DATABASE_URL: databaseUrl,
    };
    const child = spawn(LAUNCHER, { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.#child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

test.skipIf(postgres === undefined)(
  'a second process ends at its start, and a process that lost its database to another ends with a message',
  { timeout: 60_000 },
  async () => {
    const { url, drop } = await createDatabase(postgres ?? '');
    const folder = mkdtempSync(join(tmpdir(), 'hearth-one-writer-'));
    const first = new Process(join(folder, 'a'), await freePort(), url);
    await expect.poll(() => first.log).toContain('is ready');
    const second = new Process(join(folder, 'b'), await freePort(), url);
    try {
      expect(await second.ended).toBe(1);
      expect(second.log).toContain('hearth: another process is using the PostgreSQL database: stop it first');
      const other = new pg.Client({ connectionString: url });
      await other.connect();
      // The connection waits for the lock, so that it gets the lock next.
      const locked = other.query('SELECT pg_advisory_lock($1, $2)', [0x68656172, 0x7468]);
      await queryOn(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
      );
      await locked;
      expect(await first.ended).toBe(1);
      expect(first.log).toContain('another process has become the writer of the PostgreSQL database');
      await other.end();
    } finally {
      first.kill();
      second.kill();
      await drop();
      rmSync(folder, { recursive: true });
    }
  },
);
