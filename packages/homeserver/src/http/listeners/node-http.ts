import type { RequestListener } from 'node:http';
import type { ServerOptions, Server as TlsServer } from 'node:https';

/**
 * Node's HTTP server. An `import` of the module would evaluate all its exports. One is a WebSocket client that loads a
 * second HTTP implementation, which costs 45 ms of CPU and 14 MB of memory.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');

/**
 * Creates a server with TLS. The module is loaded only if TLS is configured, because Node then parses the certificates
 * of all known authorities.
 */
export function createTlsServer(options: ServerOptions, handle: RequestListener): TlsServer {
  return process.getBuiltinModule('node:https').createServer(options, handle);
}
