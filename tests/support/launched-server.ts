import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AUTHORITY, SERVER_TLS } from './certificates.ts';
import { freePort } from './free-port.ts';
import { registerUser, type TestUser } from './user.ts';

/** A server that other software runs, reached by HTTPS at a loopback address. */
export interface LaunchedServer {
  readonly url: string;
  readonly name: string;
  readonly faults: readonly unknown[];
  user(): Promise<TestUser>;
  stop(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

const START_MS = 60_000;

/**
 * Starts a server with a launcher: a program that gets everything from environment variables, as `tests/launcher` does.
 */
export async function startLaunchedServer(launcher: string, host: string): Promise<LaunchedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-launched-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const [clientPort, federationPort] = [await freePort(), await freePort()];
  const name = `${host}:${federationPort}`;
  const env = {
    ...process.env,
    SERVER_NAME: name,
    HS_BIND: host,
    HS_CLIENT_PORT: String(clientPort),
    HS_FEDERATION_PORT: String(federationPort),
    HS_DATA_DIR: folder,
    HS_CA_CERT: file('ca.pem', AUTHORITY),
    HS_TLS_CERT: file('cert.pem', SERVER_TLS.cert),
    HS_TLS_KEY: file('key.pem', SERVER_TLS.key),
  };
  const url = `http://${host}:${clientPort}`;
  let running: ChildProcess | undefined;
  let count = 0;
  const restart = async () => {
    running = spawn(launcher, { env, stdio: process.env.HEARTH_TEST_LOG === undefined ? 'ignore' : 'inherit' });
    const end = Date.now() + START_MS;
    while (!(await isReady(url))) {
      if (Date.now() > end) throw new Error(`${launcher} is not ready within ${START_MS} ms`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const stop = () =>
    new Promise<void>((resolve) => {
      running?.once('exit', () => resolve());
      running?.kill('SIGTERM');
    });
  await restart();
  return {
    url,
    name,
    faults: [],
    user() {
      count += 1;
      return registerUser({ url }, { username: `user${count}` });
    },
    stop,
    restart,
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/_matrix/client/versions`)).ok;
  } catch {
    return false;
  }
}
