import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A web server on loopback with a few pages. */
export interface Web {
  readonly port: number;
  /** The paths that were asked for. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** The resource at a path: a body with its type, or a function that answers. */
export type Pages = Readonly<Record<string, readonly [type: string, body: string | Buffer] | RequestListener>>;

export async function startWeb(pages: (request: IncomingMessage) => Pages, host = '127.0.0.1'): Promise<Web> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const page = pages(request)[path.split('?')[0] ?? ''];
    if (page === undefined) response.writeHead(404).end();
    else if (typeof page === 'function') page(request, response);
    else response.writeHead(200, { 'Content-Type': page[0] }).end(page[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function redirect(to: string): RequestListener {
  return (_, response) => response.writeHead(302, { Location: to }).end();
}
