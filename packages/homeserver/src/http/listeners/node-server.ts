import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { matrixError, unknown } from '@hearth/protocol/errors.ts';
import { type ClientTimeLimits, Exchange } from '../exchange.ts';
import { rawError } from '../replies/reply.ts';
import { createServer, createTlsServer } from './node-http.ts';
import type { Tls } from './tls.ts';

const HEAD_BYTES_MAX = 16 * 1024;

/** The options of a listener. */
export interface NodeServerOptions extends ClientTimeLimits {
  readonly tls?: Tls | undefined;
  /** The maximum number of connections; further ones are refused. */
  readonly connectionsMax: number;
  readonly serve: (exchange: Exchange) => void;
}

/** Creates a server of `node:http`, with TLS of `node:https`, that is not listening yet. */
export function createNodeServer(parts: NodeServerOptions): Server | TlsServer {
  const { tls, connectionsMax, serve, clock, timeouts } = parts;
  const timeLimits = { clock, timeouts };
  const handle: RequestListener = (request, response) => serve(new Exchange(request, response, timeLimits));
  const options: ServerOptions = {
    // A request without a body ends when its head has arrived, which saves a quarter of the cost of a GET.
    optimizeEmptyRequests: true,
    maxHeaderSize: HEAD_BYTES_MAX,
    keepAliveTimeout: timeouts.keepAliveMs,
    headersTimeout: timeouts.headMs,
    requestTimeout: timeouts.requestMs,
    connectionsCheckingInterval: timeouts.checkEveryMs,
  };
  const server =
    tls === undefined
      ? createServer(options, handle)
      : createTlsServer({ ...options, ...tls, handshakeTimeout: timeouts.headMs }, handle);
  server.maxConnections = connectionsMax;
  server.on('clientError', refuseInvalid);
  return server;
}

/** Answers a request that is not HTTP or exceeds the limits of the parser. */
function refuseInvalid(error: NodeJS.ErrnoException, socket: Socket): void {
  // An answer would wait for the failed TLS handshake.
  const isUnreachable = error.code === 'ECONNRESET' || /^ERR_(TLS|SSL)_/.test(error.code ?? '');
  if (isUnreachable || !socket.writable) {
    socket.destroy();
  } else if (error.code === 'HPE_HEADER_OVERFLOW') {
    socket.end(
      rawError(
        'Request Header Fields Too Large',
        matrixError('M_TOO_LARGE', 'The request header is too long', { status: 431 }),
      ),
    );
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    socket.end(rawError('Request Timeout', unknown('The request took too long to arrive', 408)));
  } else {
    socket.end(rawError('Bad Request', unknown('The request is not valid HTTP', 400)));
  }
}
