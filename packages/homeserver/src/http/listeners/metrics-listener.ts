import type { IncomingMessage, ServerResponse } from 'node:http';
import { listenOn } from './listen.ts';
import { createServer } from './node-http.ts';

/** A source of metrics as text, read at each request. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface MetricsListener {
  close(): Promise<void>;
}

/** Serves metrics at `/metrics`, on a separate listener so that it need not be public. */
export async function startMetrics(
  address: { readonly host: string; readonly port: number },
  metrics: MetricsText,
): Promise<MetricsListener> {
  const server = createServer((request, response) => void answer(request, response, metrics));
  await listenOn(server, address, 'metrics.listen');
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, metrics: MetricsText): Promise<void> {
  if (request.url !== '/metrics') {
    response.writeHead(404).end();
    return;
  }
  try {
    const text = await metrics.text();
    response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text);
  } catch {
    response.writeHead(500).end();
  }
}
