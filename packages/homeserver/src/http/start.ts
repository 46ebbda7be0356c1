import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { sleep } from '../platform/clock.ts';
import type { CallContext } from './incoming-call.ts';
import { listenErrorCode, listenOn } from './listeners/listen.ts';
import { createNodeServer } from './listeners/node-server.ts';
import { TIMEOUTS, type Timeouts } from './listeners/timeouts.ts';
import type { Tls } from './listeners/tls.ts';
import { trustedProxies } from './remote-address.ts';
import type { Route } from './route.ts';
import { Serve, type ServeParts } from './serve.ts';

/** An address to listen on. */
export interface Listen {
  readonly host: string;
  /** The port; 0 for any free port. */
  readonly port: number;
  /** The certificate and key of an HTTPS listener. */
  readonly tls?: Tls | undefined;
}

/** The settings of the listeners. */
export interface HttpSettings {
  readonly listen: readonly Listen[];
  /** Addresses and ranges of proxies whose `X-Forwarded-For` header is trusted. */
  readonly trustedProxies: readonly string[];
  /** The time for requests to finish after `close`. */
  readonly closeTimeoutMs: number;
  /** The maximum number of connections of each listener; further ones are refused. */
  readonly connectionsMax: number;
  /** Time limits that differ from the defaults. */
  readonly timeouts?: Partial<Timeouts>;
}

export interface HttpServer {
  /** The URL of each listener, in the order of `listen`. */
  readonly urls: readonly string[];
  /** Replaces the certificate of the listener with this index in `listen`. Connections that exist keep the old one. */
  replaceCertificate(index: number, tls: Tls): void;
  /** Stops accepting, ends long polls, lets running requests finish, and closes. */
  close(): Promise<void>;
}

/** Serves the routes on every listener. @throws OperatorError when the server cannot listen on an address */
export async function startHttp(
  routes: readonly Route[],
  parts: ServeParts,
  settings: HttpSettings,
): Promise<HttpServer> {
  const context: CallContext = {
    proxies: trustedProxies(settings.trustedProxies),
    rateLimits: parts.rateLimits,
    waiting: new Set(),
    isClosing: false,
  };
  const serve = new Serve(routes, parts, context);
  const servers: (Server | TlsServer)[] = [];
  const tlsServers = new Map<number, TlsServer>();
  const timeouts = { ...TIMEOUTS, ...settings.timeouts };
  const close = () => closeAll(servers, serve, () => sleep(parts.clock, settings.closeTimeoutMs));
  try {
    const urls: string[] = [];
    for (const [index, listen] of settings.listen.entries()) {
      const server = createNodeServer({
        clock: parts.clock,
        connectionsMax: settings.connectionsMax,
        timeouts,
        tls: listen.tls,
        serve: serve.handle,
      });
      try {
        urls.push(await start(server, listen));
        servers.push(server);
        if ('setSecureContext' in server) tlsServers.set(index, server);
      } catch (error) {
        if (!isWithoutIpv6(error, listen)) throw error;
        parts.log.warn('not listening because this machine has no IPv6', { host: listen.host });
      }
    }
    return { urls, close, replaceCertificate: (index, tls) => tlsServers.get(index)?.setSecureContext(tls) };
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

/**
 * Returns whether a listener failed only because the machine has no IPv6. The default addresses are of both families.
 */
function isWithoutIpv6(error: unknown, listen: Listen): boolean {
  const code = listenErrorCode(error);
  return listen.host.includes(':') && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT');
}

/**
 * Closes all servers.
 * @param timeout returns a promise that resolves when running requests have to end
 */
async function closeAll(servers: readonly Server[], serve: Serve, timeout: () => Promise<void>): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  await Promise.race([serve.close(), timeout()]);
  // Node counts connections without a request as busy, so closing only the server would wait for them.
  for (const server of servers) server.closeAllConnections();
  await Promise.all(closed);
}
