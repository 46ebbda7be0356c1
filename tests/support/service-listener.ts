import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';

/** A request that an application service has received. */
export interface ServiceCall {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: JsonObject;
  readonly text: string;
}

type Answer = (call: ServiceCall) => readonly [status: number, body: JsonObject] | undefined;

/** The listener of an application service, with everything that it has received. */
export interface ServiceListener {
  readonly url: string;
  readonly calls: ServiceCall[];
  /** Answers requests from now on; `undefined` closes the connection. */
  answer: Answer;
  /** Is awaited before a request is answered. */
  before: (call: ServiceCall) => Promise<unknown>;
  /** Returns the events of the transactions that were accepted. */
  events(): JsonObject[];
  close(): Promise<void>;
}

/** Starts the listener of an application service that accepts everything. */
export async function listenAsService(): Promise<ServiceListener> {
  const accepted: ServiceCall[] = [];
  const listener: Omit<ServiceListener, 'url' | 'close'> = {
    calls: [],
    answer: () => [200, {}],
    before: () => Promise.resolve(),
    events: () => accepted.flatMap(({ body }) => body.events as JsonObject[]),
  };
  const server = createServer((request, response) => {
    void read(request).then(async (call) => {
      listener.calls.push(call);
      await listener.before(call);
      const answer = listener.answer(call);
      if (answer === undefined) {
        request.socket.destroy();
        return;
      }
      const [status, body] = answer;
      if (status === 200 && call.path.includes('/transactions/')) accepted.push(call);
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(listener, {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

async function read(request: IncomingMessage): Promise<ServiceCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const { method = '', url: path = '', headers } = request;
  const body = text === '' ? {} : (JSON.parse(text) as JsonObject);
  return { method, path, authorization: headers.authorization, body, text };
}
