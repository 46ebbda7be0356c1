import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { matrixError, unknown } from '@hearth/protocol/errors.ts';
import { Exchange } from './exchange.ts';
import { createServer, createTlsServer } from './node-http.ts';
import { rawError } from './reply.ts';
import type { Tls } from './tls.ts';

const OPTIONS: ServerOptions = {
  // A request without a body ends when its head has arrived, which saves a quarter of the cost of a GET.
  optimizeEmptyRequests: true,
  maxHeaderSize: 16 * 1024,
  // Longer than reverse proxies keep theirs, so that the proxy closes first; otherwise requests are lost.
  keepAliveTimeout: 75_000,
  headersTimeout: 30_000,
  // The largest upload over a slow line.
  requestTimeout: 20 * 60_000,
  // How often the two timeouts above are checked.
  connectionsCheckingInterval: 10_000,
};

/** Creates a server of `node:http`, with TLS of `node:https`, that is not listening yet. */
export function createNodeServer(
  tls: Tls | undefined,
  connectionsMax: number,
  serve: (exchange: Exchange) => void,
): Server {
  const handle: RequestListener = (request, response) => serve(new Exchange(request, response));
  const server = tls === undefined ? createServer(OPTIONS, handle) : createTlsServer({ ...OPTIONS, ...tls }, handle);
  server.maxConnections = connectionsMax;
  server.on('clientError', refuseNonsense);
  return server;
}

/** Answers what is not HTTP, or exceeds the limits of the parser. */
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
