import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from '../platform/clock.ts';
import type { CallContext } from './incoming-call.ts';
import { listenErrorCode, listenOn } from './listeners/listen.ts';
import { createNodeServer } from './listeners/node-server.ts';
import { TIMEOUTS, type Timeouts } from './listeners/timeouts.ts';
import type { Tls } from './listeners/tls.ts';
import { trustedProxies } from './remote-address.ts';
import { Serve, type ServeOptions } from './serve.ts';

/** Where to listen. */
export interface Listen {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** With it the listener speaks HTTPS. */
  readonly tls?: Tls | undefined;
}

export interface HttpOptions extends ServeOptions {
  readonly listen: readonly Listen[];
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** How long requests may take to finish after `close`. */
  readonly closeTimeoutMs: number;
  /** Connections that each listener holds at the same time; more are refused. */
  readonly connectionsMax: number;
  /** Differences from the usual limits. */
  readonly timeouts?: Partial<Timeouts>;
}

export interface HttpServer {
  /** The URL of each listener, in the order of `listen`. */
  readonly urls: readonly string[];
  /** Stops accepting, ends long polls, lets running requests finish, and closes. */
  close(): Promise<void>;
}

/** Serves the routes on every listener. @throws when an address cannot be listened on */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const context: CallContext = {
    proxies: trustedProxies(options.trustedProxies),
    rateLimits: options.rateLimits,
    waiting: new Set(),
    isClosing: false,
  };
  const serve = new Serve(options, context);
  const servers: Server[] = [];
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const close = () => closeAll(servers, serve, options);
  try {
    const urls: string[] = [];
    for (const listen of options.listen) {
      const server = createNodeServer({ ...options, timeouts, tls: listen.tls, serve: serve.handle });
      try {
        urls.push(await start(server, listen));
        servers.push(server);
      } catch (error) {
        if (!isWithoutIpv6(error, listen)) throw error;
        options.log.warn('not listening: this machine has no IPv6', { host: listen.host });
      }
    }
    return { urls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(server: Server, listen: Listen): Promise<string> {
  await listenOn(server, listen, 'listen');
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const { port } = server.address() as AddressInfo;
  return `${listen.tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}

/** The default listens on both families; a machine that has only one is no reason not to start. */
function isWithoutIpv6(error: unknown, listen: Listen): boolean {
  const code = listenErrorCode(error);
  return listen.host.includes(':') && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT');
}

async function closeAll(servers: readonly Server[], serve: Serve, options: HttpOptions): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  await Promise.race([serve.close(), sleep(options.clock, options.closeTimeoutMs)]);
  // Connections without a request count as busy, so that closing the server alone would wait for them.
  for (const server of servers) server.closeAllConnections();
  await Promise.all(closed);
}
