import { flushCompileCache } from 'node:module';
import { compose, type Hearth } from '../compose.ts';
import type { Config } from '../config/schema.ts';
import { systemClock } from '../platform/clock.ts';
import { Explained } from '../platform/explained.ts';
import { collectGarbage } from '../platform/heap.ts';
import { createLog, type Log } from '../platform/log.ts';
import { systemRandom } from '../platform/random.ts';
import { type ConfigOptions, readConfig } from './options.ts';

/** Until then whoever waited for the server has been answered. */
const SETTLE_MS = 300;
/** Long enough for the functions that serve requests to have been compiled as well. */
const KEEP_COMPILED_MS = 60_000;

/** `hearth start`: runs the server until a signal. */
export async function start(options: ConfigOptions): Promise<void> {
  const stopped = signalled();
  const config = await readConfig(options);
  const log = createLog(config.log);
  process.on('uncaughtException', (error) => {
    log.error('stopping: something happened that never should', { error });
    process.exit(1);
  });
  const hearth = await open(config, log);
  log.info(`${config.server_name} is ready`, { urls: hearth.urls.join(' ') });
  if (hearth.firstToken !== undefined) process.stderr.write(welcome(hearth.firstToken));
  systemClock.after(SETTLE_MS, collectGarbage);
  // What has been compiled by then is there for the next start, however this one ends.
  systemClock.after(KEEP_COMPILED_MS, flushCompileCache);
  const signal = await stopped;
  log.info(`stopping on ${signal}`);
  await hearth.close();
  log.info('stopped');
  // Nothing is left to do: what may still be open, such as a terminal, need not end first.
  process.exit(0);
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
}

async function open(config: Config, log: Log): Promise<Hearth> {
  try {
    return await compose(config, { clock: systemClock, random: systemRandom, log });
  } catch (error) {
    throw explained(error);
  }
}

/** Errors of the network that a person can do something about. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return error;
  const { address, port } = error as Error & { address?: string; port: number };
  const place = `${address ?? ''}:${port}`;
  if (error.code === 'EADDRINUSE')
    return new Explained(`${place} is used by another program; --listen chooses another`);
  if (error.code === 'EACCES') return new Explained(`not allowed to listen on ${place}; ports from 1024 on are free`);
  if (error.code === 'EADDRNOTAVAIL') return new Explained(`${address} is not an address of this machine`);
  return error;
}

function welcome(token: string): string {
  return `
  There is no account yet. The first one, an administrator, can be registered from any client with this
  registration token. It works once; another is printed at the next start as long as there is no account.

      ${token}

`;
}
