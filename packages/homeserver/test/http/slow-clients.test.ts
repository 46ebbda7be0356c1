import { connect, type Socket } from 'node:net';
import { endpoint } from '@hearth/api/endpoint.ts';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { JsonPieces, RawJson, route } from '../../src/http/route.ts';
import type { HttpServer } from '../../src/http/start.ts';
import { sleep, systemClock } from '../../src/platform/clock.ts';
import { cert, key } from './certificate.ts';
import { RawConnection } from './raw.ts';
import { OPEN, serveRoutes } from './server.ts';

const MEBIBYTE = 1024 * 1024;
const base = { operation: 'test', method: 'GET', access: 'none', ...OPEN } as const;
const PIECE = 'x'.repeat(64 * 1024);
/** The number of pieces of an answer that is longer than the longest string of V8 (512 MiB). */
const PIECES = 10_000;
let rendered = 0;
/** The number of answers that the server has stopped sending. */
let ended = 0;
let answered = 0;

function* pieces(count: number) {
  try {
    for (let i = 0; i < count; i++) {
      rendered += 1;
      yield PIECE;
    }
  } finally {
    ended += 1;
  }
}

const routes = [
  route(endpoint({ ...base, paths: ['/long'] }), ({ cancellation }) => {
    cancellation.on(() => {
      ended += 1;
    });
    return new RawJson('x'.repeat(32 * MEBIBYTE));
  }),
  route(endpoint({ ...base, paths: ['/pieces'] }), () => new JsonPieces(pieces(PIECES))),
  route(endpoint({ ...base, paths: ['/few'] }), () => new JsonPieces(['[1', ',2]'])),
  route(
    endpoint({ ...base, paths: ['/broken'] }),
    () =>
      new JsonPieces(
        (function* () {
          yield* pieces(10);
          throw new Error('a piece that cannot be rendered');
        })(),
      ),
  ),
  route(endpoint({ ...base, method: 'POST', paths: ['/json'], body: v.object({}) }), () => ({})),
  route(endpoint({ ...base, method: 'POST', paths: ['/ignored'] }), () => ({})),
  route(
    endpoint({ ...base, method: 'POST', paths: ['/upload'], access: 'optional', bodyBytes: true }),
    async (call) => {
      let length = 0;
      await call.body.receive((chunk) => {
        length += chunk.length;
        return undefined;
      });
      answered += 1;
      return { length };
    },
  ),
];

let server: HttpServer;
const sockets: Socket[] = [];
beforeAll(async () => {
  const timeouts = {
    headMs: 300,
    checkEveryMs: 50,
    bodyMs: 500,
    discardMs: 300,
    uploadPeriodMs: 300,
    uploadBytesMin: 1000,
    writeMs: 500,
    writeBytesPerSecond: 16 * MEBIBYTE,
  };
  server = await serveRoutes(routes, { timeouts });
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await server.close();
});

/** Opens a connection whose answers are not read until it is resumed. */
function request(head: string): Socket {
  const { hostname, port } = new URL(server.urls[0] ?? '');
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.pause();
  socket.write(head);
  sockets.push(socket);
  return socket;
}

const get = (path: string) => request(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
const closed = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

/** Opens a connection, writes a byte every 50 ms and returns the answer when the server has closed the connection. */
async function dribble(head: string, byte = 'x'): Promise<string> {
  const connection = new RawConnection(server.urls[0] ?? '');
  sockets.push(connection.socket);
  connection.write(head);
  for (let i = 0; i < 100; i++) {
    await sleep(systemClock, 50);
    const { received, isEnded } = await connection.settled(1);
    if (isEnded) return received;
    if (connection.socket.writable) connection.write(byte);
  }
  throw new Error('the server kept the connection');
}

describe('a client that does not read its answer', () => {
  test.each(['/long', '/pieces'])('is disconnected (%s)', async (path) => {
    ended = 0;
    get(path);
    await expect.poll(() => ended, { timeout: 5_000 }).toBe(1);
  });

  test('is disconnected when it reads more slowly than the minimum rate', async () => {
    ended = 0;
    const socket = get('/long');
    let bytes = 0;
    socket.on('readable', () => undefined);
    // The deadline for 32 MiB is 2.5 s; this client needs at least 4 s.
    for (let i = 0; i < 300 && ended === 0; i++) {
      bytes += (socket.read(Math.min(256 * 1024, socket.readableLength)) as Buffer | null)?.length ?? 0;
      await sleep(systemClock, 30);
    }
    expect(ended).toBe(1);
    expect(bytes).toBeGreaterThan(0);
  });
});

describe('an answer in pieces', () => {
  test('has no maximum length and needs bounded memory', async () => {
    rendered = 0;
    ended = 0;
    const socket = get('/pieces');
    let bytes = 0;
    let memory = 0;
    let measured = 0;
    const before = process.memoryUsage.rss();
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes - measured > 16 * MEBIBYTE) {
        measured = bytes;
        memory = Math.max(memory, process.memoryUsage.rss() - before);
      }
      if (chunk.subarray(-5).toString('latin1') === '0\r\n\r\n') socket.end();
    });
    socket.resume();
    await closed(socket);
    expect(bytes).toBeGreaterThan(PIECES * PIECE.length);
    expect(rendered).toBe(PIECES);
    expect(ended).toBe(1);
    expect(memory).toBeLessThan(200 * MEBIBYTE);
  }, 60_000);

  test('is rendered only as far as the client reads, and stops when the client disconnects', async () => {
    rendered = 0;
    ended = 0;
    const socket = get('/pieces');
    await expect.poll(() => rendered).toBeGreaterThan(0);
    await sleep(systemClock, 200);
    const held = rendered;
    expect(held).toBeLessThan(1000);
    socket.destroy();
    await expect.poll(() => ended).toBe(1);
    expect(rendered).toBeLessThan(held + 10);
  });

  test('has a Content-Length when it is short', async () => {
    const response = await fetch(`${server.urls[0]}/few`);
    expect(response.headers.get('content-length')).toBe('5');
    expect(await response.json()).toEqual([1, 2]);
  });

  test('is cut off when rendering fails', async () => {
    const response = await fetch(`${server.urls[0]}/broken`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });
});

describe('a client that sends slowly', () => {
  const post = (path: string, more = '') => `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n${more}\r\n`;

  test.each([
    ['a JSON body', post('/json'), 408],
    ['an upload without a token', post('/upload'), 408],
    ['an upload that brings too little in a period', post('/upload', 'Authorization: Bearer alice\r\n'), 408],
    ['a head', 'GET /few HTTP/1.1\r\nX-A: ', 408],
  ])('is answered with an error and disconnected: %s', async (_, head, status) => {
    const received = await dribble(head);
    expect(received).toMatch(new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*"errcode":"M_UNKNOWN"`));
  });

  test('is disconnected when the body continues after the answer', async () => {
    expect(await dribble(post('/ignored'))).toMatch(/^HTTP\/1.1 200 /);
  });

  test('is disconnected when it does not complete a TLS handshake', async () => {
    const listen = [{ host: '127.0.0.1', port: 0, tls: { cert, key } }];
    const secure = await serveRoutes(routes, { listen, timeouts: { headMs: 300 } });
    const connection = new RawConnection(secure.urls[0] ?? '');
    sockets.push(connection.socket);
    await expect.poll(async () => (await connection.settled(1)).isEnded, { timeout: 5_000 }).toBe(true);
    await secure.close();
  });

  test('may send an upload with a token slowly', async () => {
    answered = 0;
    const connection = new RawConnection(server.urls[0] ?? '');
    sockets.push(connection.socket);
    connection.write(post('/upload', 'Authorization: Bearer alice\r\n'));
    for (let i = 0; i < 20; i++) {
      await sleep(systemClock, 100);
      connection.write(Buffer.alloc(500));
    }
    expect(await connection.answers(1)).toContain('{"length":10000}');
    expect(answered).toBe(1);
  });
});
