import type { RequestListener, Server, ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import { matrixError, unknown } from '@hearth/protocol/errors.ts';
import { type Exchange, KEEP_ALIVE_MS, REQUEST_MS } from './exchange.ts';
import { NodeExchange } from './node-exchange.ts';
import { createServer, createTlsServer } from './node-http.ts';
import { rawError } from './reply.ts';
import type { Tls } from './tls.ts';

const OPTIONS: ServerOptions = {
  // A request without a body has its end behind it when it arrives: a quarter of the cost of a GET.
  optimizeEmptyRequests: true,
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: KEEP_ALIVE_MS + 5000,
  requestTimeout: REQUEST_MS,
};

/** A server of `node:http`, with TLS `node:https`, that is not listening yet. */
export function createNodeServer(tls: Tls | undefined, serve: (exchange: Exchange) => void): Server {
  const handle: RequestListener = (request, response) => serve(new NodeExchange(request, response));
  const server = tls === undefined ? createServer(OPTIONS, handle) : createTlsServer({ ...OPTIONS, ...tls }, handle);
  server.on('clientError', refuseNonsense);
  return server;
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
