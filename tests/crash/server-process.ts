import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { queryOn } from '../support/postgres.ts';

const LAUNCHER = fileURLToPath(new URL('../launcher', import.meta.url));
const READY_MS_MAX = 30_000;

/** Returns `ok` if each number in an event has its name. PostgreSQL offers no further check of its integrity. */
async function namesMissing(url: string): Promise<string> {
  const used = 'SELECT type AS num FROM events UNION SELECT sender FROM events UNION SELECT state_key FROM events';
  const rows = await queryOn<{ num: number }>(
    url,
    `SELECT num FROM (${used}) AS used WHERE num NOT IN (SELECT num FROM names)`,
  );
  return rows.length === 0 ? 'ok' : `numbers without names: ${rows.map(({ num }) => num).join()}`;
}

/** A server in a separate process that can be killed. Its data stays. */
export class ServerProcess {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'hearth-crash-'));
  readonly #port: number;
  #child: ChildProcess | undefined;
  #log = '';

  readonly #databaseUrl: string | undefined;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(
    port: number,
    databaseUrl: string | undefined,
    variables: Readonly<Record<string, string>> = { SERVER_NAME: 'crash.test' },
  ) {
    this.#port = port;
    this.#databaseUrl = databaseUrl;
    this.#variables = variables;
  }

  /**
   * @param databaseUrl a PostgreSQL database; by default the server uses the embedded database
   * @param variables further variables of the launcher
   */
  static async create(databaseUrl?: string, variables?: Readonly<Record<string, string>>): Promise<ServerProcess> {
    return new ServerProcess(await freePort(), databaseUrl, variables);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The process id, while the server is running. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The output of the current process. */
  get log(): string {
    return this.#log;
  }

  /** Starts the process without waiting until it answers. */
  spawn(): void {
    if (this.#child !== undefined) throw new Error('the server is already running');
    this.#log = '';
    const child = spawn(LAUNCHER, {
      env: {
        ...process.env,
        ...this.#variables,
        HS_CLIENT_PORT: `${this.#port}`,
        HS_DATA_DIR: this.dataDir,
        ...(this.#databaseUrl === undefined ? {} : { HS_DATABASE_URL: this.#databaseUrl }),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    this.#child = child;
  }

  /** Starts the process and waits until it answers. */
  async start(): Promise<void> {
    this.spawn();
    const child = this.#child;
    const deadline = performance.now() + READY_MS_MAX;
    while (performance.now() < deadline) {
      if (child?.exitCode !== null) break;
      const reply = await fetch(`${this.url}/_matrix/client/versions`).catch(() => undefined);
      await reply?.arrayBuffer();
      if (reply?.status === 200) return;
      await sleep(10);
    }
    throw new Error(`the server does not start:\n${this.#log}`);
  }

  /** Ends the process. Returns its exit code, `null` after SIGKILL. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) throw new Error('the server is not running');
    this.#child = undefined;
    if (child.exitCode !== null) throw new Error(`the server has stopped unexpectedly:\n${this.#log}`);
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    child.kill(signal);
    return ended;
  }

  /**
   * Checks the database as the process has left it. The check opens a copy, because opening the database itself would
   * perform the recovery that the server has to perform.
   */
  async integrity(): Promise<string> {
    if (this.#databaseUrl !== undefined) return namesMissing(this.#databaseUrl);
    const copy = mkdtempSync(join(tmpdir(), 'hearth-integrity-'));
    try {
      for (const name of ['hearth.db', 'hearth.db-wal']) {
        const path = join(this.dataDir, name);
        if (existsSync(path)) copyFileSync(path, join(copy, name));
      }
      const database = new DatabaseSync(join(copy, 'hearth.db'));
      const rows = database.prepare('PRAGMA integrity_check').all();
      database.close();
      return rows.map((row) => String(row.integrity_check)).join('\n');
    } finally {
      rmSync(copy, { recursive: true });
    }
  }

  /** Ends the process and removes the data. */
  async remove(): Promise<void> {
    if (this.#child !== undefined) await this.end('SIGKILL').catch(() => undefined);
    rmSync(this.dataDir, { recursive: true });
  }
}
