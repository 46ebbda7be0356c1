import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './free-port.ts';

const DEBIAN_FOLDER = '/usr/lib/postgresql';
const READY_MS_MAX = 30_000;
/** The users as whom PostgreSQL may run, because it refuses to run as root. */
const UNPRIVILEGED = ['postgres', 'nobody'];

/** A PostgreSQL server of this machine's installation, with its data in a temporary folder. */
export class PostgresCluster {
  readonly #binaries: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #isDurable: boolean;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(binaries: string, folder: string, port: number, isDurable: boolean) {
    this.#binaries = binaries;
    this.#folder = folder;
    this.#port = port;
    this.#isDurable = isDurable;
  }

  /**
   * Creates a cluster and starts it. Returns `undefined` when PostgreSQL is not installed.
   * @param isDurable whether a killed server keeps its committed transactions; this is slower
   */
  static async start(isDurable = false): Promise<PostgresCluster | undefined> {
    const binaries = findBinaries();
    if (binaries === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'hearth-postgres-'));
    const owner = unprivileged();
    if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid);
    const made = spawnSync(
      join(binaries, 'initdb'),
      [
        '--pgdata',
        join(folder, 'data'),
        '--username',
        'postgres',
        '--auth',
        'trust',
        '--no-sync',
        '--encoding',
        'UTF8',
      ],
      { ...owner, cwd: folder, encoding: 'utf8' },
    );
    if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
    const cluster = new PostgresCluster(binaries, folder, await freePort(), isDurable);
    await cluster.run();
    return cluster;
  }

  /** The address of the default database of the cluster. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  /** Starts the server and waits until it accepts connections. */
  async run(): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    while (performance.now() < deadline) {
      const child = this.#spawn();
      // Processes of a killed server may still run and keep the next server from starting.
      while (performance.now() < deadline && child.exitCode === null) {
        if (await isReady(this.url)) return;
        await sleep(20);
      }
    }
    throw new Error(`PostgreSQL does not start:\n${this.#log}`);
  }

  #spawn(): ChildProcess {
    const settings = [
      `port=${this.#port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=200',
      ...(this.#isDurable ? [] : ['fsync=off', 'full_page_writes=off']),
    ];
    const child = spawn(
      join(this.#binaries, 'postgres'),
      ['-D', join(this.#folder, 'data'), ...settings.flatMap((setting) => ['-c', setting])],
      { ...unprivileged(), cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-10_000);
    });
    this.#child = child;
    return child;
  }

  /** Stops the server. SIGINT closes connections first, SIGQUIT stops at once, SIGKILL is a crash. */
  async end(signal: 'SIGINT' | 'SIGQUIT' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // The processes of the connections end by themselves when the server was killed.
    child.kill(signal);
    await ended;
  }

  /** Ends every connection, as an administrator can. */
  async endConnections(): Promise<void> {
    await runOn(this.url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  }

  /** Stops the server and removes its data. */
  async remove(): Promise<void> {
    await this.end('SIGQUIT');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

let databases = 0;

/** Creates an empty database on a server and returns its address. `drop` removes it. */
export async function createDatabase(serverUrl: string): Promise<{ url: string; drop: () => Promise<void> }> {
  databases += 1;
  const name = `hearth_test_${process.pid}_${process.env.VITEST_POOL_ID ?? ''}_${Date.now()}_${databases}`;
  await runOn(serverUrl, `CREATE DATABASE ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => runOn(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}

async function runOn(url: string, text: string): Promise<void> {
  await queryOn(url, text);
}

/** Returns the rows of one statement, which runs on a separate connection. */
export async function queryOn<Row extends object>(url: string, text: string, values: unknown[] = []): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    await runOn(url, 'SELECT 1');
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the folder of `initdb` and `postgres`: a folder on the path, or the one where Debian installs the newest
 * version.
 */
function findBinaries(): string | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER) : [];
  const newestFirst = versions.sort((a, b) => Number(b) - Number(a));
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...newestFirst.map((version) => join(DEBIAN_FOLDER, version, 'bin')),
  ];
  return folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** Returns the user as whom PostgreSQL runs when the tests run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const entries = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of UNPRIVILEGED) {
    const entry = entries.find(([user]) => user === name);
    if (entry !== undefined) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error(`no user of ${UNPRIVILEGED.join(', ')} exists to run PostgreSQL as`);
}
