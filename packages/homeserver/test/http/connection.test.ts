import { request as httpsRequest } from 'node:https';
import { endpoint } from '@hearth/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileReply, Reply, route } from '../../src/http/route.ts';
import type { HttpServer } from '../../src/http/start.ts';
import { sleep, systemClock } from '../../src/platform/clock.ts';
import { cert, key } from './certificate.ts';
import { RawConnection } from './raw.ts';
import { OPEN, serveRoutes } from './server.ts';

const MEBIBYTE = 1024 * 1024;
const base = { operation: 'test', method: 'GET', access: 'none', ...OPEN } as const;
/** Handlers that were cancelled because their client has closed the connection. */
const left: string[] = [];
let openFiles = 0;

const routes = [
  route(endpoint({ ...base, paths: ['/hello'] }), () => ({ hello: 'you' })),
  route(endpoint({ ...base, paths: ['/illegal'] }), () => new Reply(200, {}, { 'X-Name': 'a\r\nX-More: b' })),
  route(endpoint({ ...base, paths: ['/wait'] }), async ({ cancellation }) => {
    await sleep(systemClock, 300, cancellation);
    if (cancellation.isCancelled) left.push('wait');
    return { waited: true };
  }),
  route(endpoint({ ...base, method: 'POST', paths: ['/upload'], bodyBytes: true }), async ({ body }) => {
    let [length, sum] = [0, 0];
    try {
      await body.receive((chunk) => {
        length += chunk.length;
        sum = (sum + (chunk[0] ?? 0)) % 256;
        return length % 3 === 0 ? undefined : sleep(systemClock, 0);
      });
    } catch (error) {
      left.push('upload');
      throw error;
    }
    return { length };
  }),
  route(endpoint({ ...base, method: 'POST', paths: ['/refused'], access: 'user', bodyBytes: true }), () => ({})),
  route(
    endpoint({ ...base, paths: ['/file'] }),
    () => new FileReply({ headers: {}, etag: '"e"', length: 8 * MEBIBYTE, open: (from, to) => openFile(to - from) }),
  ),
];

function openFile(length: number) {
  openFiles += 1;
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let sent = 0;
  return Promise.resolve({
    next: () => {
      const part = chunk.subarray(0, Math.min(chunk.length, length - sent));
      sent += part.length;
      return Promise.resolve(part.length === 0 ? undefined : part);
    },
    close: () => {
      openFiles -= 1;
    },
  });
}

let server: HttpServer;
const open: RawConnection[] = [];
beforeAll(async () => {
  server = await serveRoutes(routes);
});
afterAll(async () => {
  for (const connection of open) connection.close();
  await server.close();
});

function connect(to = server): RawConnection {
  const connection = new RawConnection(to.urls[0] ?? '');
  open.push(connection);
  return connection;
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`;
const post = (path: string, length: number) => `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`;

describe('a connection', () => {
  test('answers requests one after the other', async () => {
    const connection = connect();
    for (const [i, more] of ['', 'X-A: b\r\n', 'Expect: 100-continue\r\nX-A: b\r\n', ''].entries()) {
      connection.write(get('/hello', more));
      await connection.answers(i + 1);
    }
    const received = (await connection.settled(20)).received;
    expect(received.split('{"hello":"you"}')).toHaveLength(5);
  });

  test('answers a pipelined request after the previous one', async () => {
    const connection = connect();
    connection.write(get('/wait'));
    await sleep(systemClock, 30);
    connection.write(get('/hello'));
    const received = await connection.answers(2);
    expect(received).toMatch(/"waited":true.*"hello":"you"/s);
  });

  test('reads a body in pieces and then the next request', async () => {
    const connection = connect();
    for (const [i, length] of [1, 100_000, 3 * MEBIBYTE].entries()) {
      const bytes = Buffer.alloc(length, 7);
      connection.write(post('/upload', length));
      await sleep(systemClock, 10);
      for (let at = 0; at < length; at += 700_001) connection.write(bytes.subarray(at, at + 700_001));
      expect(await connection.answers(i + 1)).toContain(`{"length":${length}}`);
    }
  });

  test('discards the rest of a refused body', async () => {
    const connection = connect();
    connection.write(post('/refused', 200_000) + 'x'.repeat(1000));
    expect(await connection.answers(1)).toContain('M_MISSING_TOKEN');
    connection.write(`${'x'.repeat(199_000)}${get('/hello')}`);
    expect(await connection.answers(2)).toContain('"hello":"you"');
  });

  test('discards a body that the endpoint ignores', async () => {
    const connection = connect();
    for (const [i, path] of ['/hello', '/nowhere'].entries()) {
      for (const [j, method] of ['OPTIONS', 'DELETE', 'GET'].entries()) {
        connection.write(post(path, 1000).replace('POST', method));
        await sleep(systemClock, 5);
        connection.write('x'.repeat(1000));
        await connection.answers(i * 3 + j + 1);
      }
    }
    connection.write(get('/hello'));
    expect(await connection.answers(7)).toMatch(/"hello":"you"\}$/);
  });

  test('never sends a header value that contains a line break', async () => {
    const connection = connect();
    connection.write(get('/illegal'));
    const received = await connection.answers(1);
    expect(received).toContain('500 Internal Server Error');
    expect(received).not.toContain('X-More');
  });

  test('sends a whole file', async () => {
    const connection = connect();
    connection.write(get('/file'));
    for (let length = 0; length < 8 * MEBIBYTE; ) length = (await connection.settled(20)).received.length;
    connection.write(get('/hello'));
    expect(await connection.answers(2)).toContain(`${'x'.repeat(1000)}HTTP/1.1 200 OK`);
    expect(openFiles).toBe(0);
  });
});

describe('a client that disconnects', () => {
  test('cancels its waiting requests', async () => {
    left.length = 0;
    const [cut, halfClosed] = [connect(), connect()];
    for (const connection of [cut, halfClosed]) connection.write(get('/wait'));
    await sleep(systemClock, 50);
    cut.close();
    halfClosed.socket.end();
    await expect.poll(() => left).toEqual(['wait', 'wait']);
  });

  test('fails its incomplete upload', async () => {
    left.length = 0;
    const connection = connect();
    connection.write(post('/upload', 1000) + 'x'.repeat(10));
    await sleep(systemClock, 50);
    connection.close();
    await expect.poll(() => left).toEqual(['upload']);
  });

  test('closes the file that was being sent', async () => {
    const connection = connect();
    connection.socket.pause();
    connection.write(get('/file'));
    await expect.poll(() => openFiles).toBe(1);
    connection.close();
    await expect.poll(() => openFiles).toBe(0);
  });
});

test('a server that closes answers waiting requests with Connection: close and cuts idle connections', async () => {
  const other = await serveRoutes(routes);
  const [idle, waiting] = [connect(other), connect(other)];
  idle.write(get('/hello'));
  await idle.answers(1);
  waiting.write(get('/wait'));
  await sleep(systemClock, 50);
  await other.close();
  expect(await idle.settled(20)).toMatchObject({ isEnded: true });
  const { received, isEnded } = await waiting.settled(20);
  expect(received).toContain('Connection: close\r\n');
  expect(received).toContain('"waited":true');
  expect(isEnded).toBe(true);
});

test('answers requests over TLS', async () => {
  const other = await serveRoutes(routes, { listen: [{ host: '127.0.0.1', port: 0, tls: { cert, key } }] });
  const text = await new Promise<string>((resolve, reject) => {
    const sent = httpsRequest(`${other.urls[0]}/hello`, { ca: cert }, (answer) => {
      answer.setEncoding('utf8').on('data', resolve);
    });
    sent.on('error', reject).end();
  });
  expect(text).toBe('{"hello":"you"}');
  await other.close();
});
