import type { RequestListener, Server } from 'node:http';
import type { ServerOptions } from 'node:https';

/**
 * Node's HTTP server. An `import` of the module would read all that it exports, among it a WebSocket client that loads
 * a second HTTP implementation: 45 ms of CPU and 14 MB of memory for nothing.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

/** With TLS. Only who listens with it loads it: Node then parses the certificates of all authorities that it knows. */
export function createTlsServer(options: ServerOptions, handle: RequestListener): Server {
  return process.getBuiltinModule('node:https').createServer(options, handle);
}
