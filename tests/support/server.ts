import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Machine } from '../../packages/homeserver/src/compose/machine.ts';
import { startHearth } from '../../packages/homeserver/src/compose/start.ts';
import { type Config, configSchema } from '../../packages/homeserver/src/config/schema.ts';
import type { Route } from '../../packages/homeserver/src/http/route.ts';
import { systemClock } from '../../packages/homeserver/src/platform/clock.ts';
import { createLog, type Log, silentLog } from '../../packages/homeserver/src/platform/monitoring/log.ts';
import type { Dns } from '../../packages/homeserver/src/platform/outbound/dns.ts';
import { systemRandom } from '../../packages/homeserver/src/platform/random.ts';
import { registerAdmin, SHARED_SECRET } from './admin.ts';
import { PostgresView, SqliteView } from './database-view.ts';
import { createDatabase } from './postgres.ts';
import { registerUser, type TestUser } from './user.ts';

const SERVER_NAME = 'hearth.test';

/** A server in this process, on a free port, with its own data folder. */
export interface TestServer {
  readonly url: string;
  readonly dataDir: string;
  /** The URL of the server's own database on a PostgreSQL server. */
  readonly databaseUrl: string | undefined;
  readonly routes: readonly Route[];
  readonly firstToken: string | undefined;
  /** Errors that the server has logged, such as each 500. */
  readonly faults: unknown[];
  /** Reads the database directly. */
  look<Row extends object>(text: string): Promise<Row[]>;
  /** Returns a value that changes with each commit of the server. */
  dataVersion(): Promise<unknown>;
  /** Registers and logs in a user with this name, or with a new name. */
  user(name?: string): Promise<TestUser>;
  /** Registers and logs in an administrator. */
  admin(): Promise<TestUser>;
  /** Registers a guest. */
  guest(): Promise<TestUser>;
  /** Stops the server and starts it again on the same data. The port changes. */
  restart(): Promise<void>;
  /** Stops the server and keeps the data. */
  stop(): Promise<void>;
  /** Stops the server and removes the data. */
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Keys of the configuration file, which override those that make tests fast. */
  readonly config?: v.InferInput<typeof configSchema>;
  readonly machine?: Partial<Machine>;
  /** A PostgreSQL server on which the server gets its own database, instead of the embedded database. */
  readonly postgres?: string | undefined;
}

let count = 0;

/** Finds only this machine, so that tests need no DNS. */
const noDns: Dns = {
  resolve: (host) =>
    host === 'localhost'
      ? Promise.resolve([{ address: '127.0.0.1', family: 4 }])
      : Promise.reject(Object.assign(new Error(`${host} is not found`), { code: 'ENOTFOUND' })),
  resolveServices: () => Promise.resolve([]),
};

/** Starts a server with open registration, guests, no rate limits and the cheapest password hashes. */
export async function startServer({ config: given, machine, postgres }: ServerOptions = {}): Promise<TestServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hearth-test-'));
  const stored = postgres === undefined ? undefined : await createDatabase(postgres);
  const config = testConfig(dataDir, { ...(stored !== undefined && { database: { url: stored.url } }), ...given });
  const faults: unknown[] = [];
  const parts = { clock: systemClock, random: systemRandom, log: recording(faults), dns: noDns, ...machine };
  let running = await startHearth(config, parts);
  const view = stored === undefined ? new SqliteView(dataDir) : new PostgresView(stored.url);
  const server: TestServer = {
    dataDir,
    databaseUrl: stored?.url,
    faults,
    look: (text) => view.look(text),
    dataVersion: () => view.dataVersion(),
    get url() {
      return running.urls[0] ?? '';
    },
    get routes() {
      return running.routes;
    },
    get firstToken() {
      return running.firstToken;
    },
    user(name) {
      count += 1;
      return registerUser(server, { username: name ?? `user${count}` });
    },
    admin() {
      count += 1;
      return registerAdmin(server, `admin${count}`);
    },
    guest() {
      return registerUser(server, 'guest');
    },
    async restart() {
      await running.close();
      running = await startHearth(config, parts);
    },
    stop() {
      return running.close();
    },
    async close() {
      await running.close();
      await view.close();
      await stored?.drop();
      rmSync(dataDir, { recursive: true });
    },
  };
  return server;
}

function testConfig(dataDir: string, given: ServerOptions['config']): Config {
  return v.parse(configSchema, {
    server_name: SERVER_NAME,
    data_dir: dataDir,
    listen: ['127.0.0.1:0'],
    registration: { policy: 'open', guests: true, shared_secret: SHARED_SECRET },
    passwords: { memory_kib: 8 },
    rate_limits: false,
    limits: { close_ms: 1_000 },
    federation: { enabled: true },
    ...given,
  });
}

/** Returns a log that records errors, and prints them when `HEARTH_TEST_LOG` is set. */
function recording(faults: unknown[]): Log {
  const log = process.env.HEARTH_TEST_LOG ? createLog({ level: 'debug', format: 'text' }) : silentLog;
  return {
    ...log,
    error(message, fields = {}) {
      faults.push(fields.error ?? message);
      log.error(message, fields);
    },
  };
}
