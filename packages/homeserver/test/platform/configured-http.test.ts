import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { ConfiguredHttp } from '../../src/platform/outbound/configured-http.ts';

const http = new ConfiguredHttp(systemClock);
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(server: Server): Promise<URL> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path`);
}

const put = (url: URL, timeoutMs = 5_000) =>
  http.send(url, { method: 'PUT', headers: { authorization: 'Bearer x' }, json: '{"a":1}', timeoutMs });

test('a request is repeated when its kept connection was closed', async () => {
  const used = new Set<Socket>();
  const bodies: string[] = [];
  const url = await listen(
    createServer((request, response) => {
      if (used.has(request.socket)) {
        request.socket.destroy();
        return;
      }
      used.add(request.socket);
      request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on('end', () => response.end('{}'));
    }),
  );
  for (let i = 0; i < 3; i += 1) expect(await put(url)).toEqual({ status: 200, text: '{}' });
  expect(bodies).toEqual(['{"a":1}', '{"a":1}', '{"a":1}']);
  expect(used.size).toBe(3);
});

test('a request on a new connection that is closed is not repeated', async () => {
  let requests = 0;
  const url = await listen(
    createServer((request) => {
      requests += 1;
      request.socket.destroy();
    }),
  );
  await expect(put(url)).rejects.toThrow('no answer: ECONNRESET');
  expect(requests).toBe(1);
});

test('an answer that takes too long is an error', async () => {
  const url = await listen(createServer(() => undefined));
  await expect(put(url, 50)).rejects.toThrow('the answer took too long');
});
