import type { Server, ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { matrixError, unknown } from '@hearth/protocol/errors.ts';
import { sleep } from '../platform/clock.ts';
import type { CallContext } from './incoming-call.ts';
import { createServer } from './node-http.ts';
import { trustedProxies } from './remote-address.ts';
import { rawError } from './reply.ts';
import { Serve, type ServeOptions } from './serve.ts';

/** Where to listen. */
export interface Listen {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Certificate chain and key in PEM form; with them the listener speaks HTTPS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

export interface HttpOptions extends ServeOptions {
  readonly listen: readonly Listen[];
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** How long requests may take to finish after `close`. */
  readonly closeTimeoutMs: number;
}

export interface HttpServer {
  /** The URL of each listener, in the order of `listen`. */
  readonly urls: readonly string[];
  /** Stops accepting, ends long polls, lets running requests finish, and closes. */
  close(): Promise<void>;
}

const OPTIONS: ServerOptions = {
  // A request without a body has its end behind it when it arrives: a quarter of the cost of a GET, see `hasBody`.
  optimizeEmptyRequests: true,
  // Longer than proxies keep idle connections, so that it is they who close: the other way round requests get lost.
  keepAliveTimeout: 75_000,
  headersTimeout: 80_000,
  // Time for the largest upload over a slow line.
  requestTimeout: 20 * 60_000,
};

/** Serves the routes on every listener. @throws when an address cannot be listened on */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const context: CallContext = {
    proxies: trustedProxies(options.trustedProxies),
    waiting: new Set(),
    isClosing: false,
  };
  const serve = new Serve(options, context);
  const servers: Server[] = [];
  const close = () => closeAll(servers, serve, options);
  try {
    const urls: string[] = [];
    for (const listen of options.listen) {
      const server = create(listen, serve);
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

function create(listen: Listen, serve: Serve): Server {
  const server =
    listen.tls === undefined
      ? createServer(OPTIONS, serve.handle)
      : createTlsServer({ ...OPTIONS, ...listen.tls }, serve.handle);
  server.on('clientError', refuseNonsense);
  return server;
}

function start(server: Server, listen: Listen): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject);
      const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
      const { port } = server.address() as AddressInfo;
      resolve(`${listen.tls === undefined ? 'http' : 'https'}://${host}:${port}`);
    });
  });
}

/** The default listens on both families; a machine that has only one is no reason not to start. */
function isWithoutIpv6(error: unknown, listen: Listen): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return listen.host.includes(':') && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT');
}

/** What arrived is not HTTP, or not what this server reads of it. */
function refuseNonsense(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
  } else if (error.code === 'HPE_HEADER_OVERFLOW') {
    socket.end(
      rawError('Request Header Fields Too Large', matrixError('M_TOO_LARGE', 'Header too long', { status: 431 })),
    );
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    socket.end(rawError('Request Timeout', unknown('The request took too long to arrive', 408)));
  } else {
    socket.end(rawError('Bad Request', unknown('Not an HTTP request', 400)));
  }
}

async function closeAll(servers: readonly Server[], serve: Serve, options: HttpOptions): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)));
  await Promise.race([serve.close(), sleep(options.clock, options.closeTimeoutMs)]);
  // Connections on which nothing has been asked yet count as busy: closing the server alone would wait for them.
  for (const server of servers) server.closeAllConnections();
  await Promise.all(closed);
}
