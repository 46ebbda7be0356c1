import { readTrustedAuthorities } from '../compose/settings.ts';
import { startHearth } from '../compose/start.ts';
import { systemClock } from '../platform/clock.ts';
import { collectGarbage } from '../platform/monitoring/heap.ts';
import { createLog } from '../platform/monitoring/log.ts';
import { trustAuthorities } from '../platform/outbound/trusted-authorities.ts';
import { systemRandom } from '../platform/random.ts';
import { type ConfigOptions, readConfig } from './options.ts';

/** The time after the start in which clients that waited for the server are answered. */
const SETTLE_MS = 300;

/** Runs `hearth start`, which runs the server until a signal. */
export async function start(options: ConfigOptions): Promise<void> {
  const stopped = signalled();
  const config = await readConfig(options);
  const log = createLog(config.log);
  const authorities = readTrustedAuthorities(config);
  if (authorities !== undefined) trustAuthorities(authorities);
  // The reader of the output may have gone, for instance at the other end of a pipe. The server continues.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('uncaughtException', (error) => {
    log.error('stopping after an uncaught exception', { error });
    process.exit(1);
  });
  const onFatal = (error: Error) => {
    log.error('stopping after a fatal error', { reason: error.message });
    process.exit(1);
  };
  const hearth = await startHearth(config, { clock: systemClock, random: systemRandom, log, onFatal });
  log.info('the server is ready', { server: config.server_name, urls: hearth.urls.join(' ') });
  if (hearth.firstToken !== undefined) process.stderr.write(welcome(hearth.firstToken));
  systemClock.after(SETTLE_MS, collectGarbage);
  const signal = await stopped;
  log.info('stopping', { signal });
  await hearth.close();
  log.info('stopped');
  // The process exits at once, because open handles such as a terminal need not be closed.
  process.exit(0);
}

function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
}

function welcome(token: string): string {
  return `
  The server has no account yet. Register the first account, an administrator, in any client with this registration
  token. The token works once. The server prints a new token at each start until an account exists.

      ${token}

`;
}
