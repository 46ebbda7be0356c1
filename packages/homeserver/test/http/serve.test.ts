import { connect } from 'node:net';
import { endpoint } from '@hearth/api/endpoint.ts';
import { natural } from '@hearth/api/query.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawJson, Reply, route } from '../../src/http/route.ts';
import type { HttpServer } from '../../src/http/start.ts';
import { sleep, systemClock } from '../../src/platform/clock.ts';
import { OPEN, serveRoutes } from './server.ts';

const base = { operation: 'test', method: 'GET', access: 'none', ...OPEN } as const;
const echo = endpoint({
  ...base,
  method: 'PUT',
  paths: ['/echo/{name}'],
  access: 'user',
  body: v.looseObject({ text: v.string(), nested: v.optional(v.object({ count: v.number() })) }),
});
const search = endpoint({
  ...base,
  paths: ['/search'],
  access: 'guest',
  query: v.object({ term: v.string(), limit: v.optional(natural) }),
});
let gone: () => void = () => {};
const routes = [
  route(echo, ({ params, body, caller }) => ({ name: params.name, body: body as JsonObject, user: caller.userId })),
  route(search, ({ query, caller }) => ({ ...query, user: caller.userId })),
  route(endpoint({ ...base, method: 'POST', paths: ['/empty'], body: v.object({}), bodyOptional: true }), () => ({})),
  route(endpoint({ ...base, paths: ['/maybe'], access: 'optional' }), ({ caller }) => ({ user: caller?.userId })),
  route(endpoint({ ...base, paths: ['/raw'] }), () => new RawJson('{"é":1}')),
  route(endpoint({ ...base, paths: ['/reply'] }), () => new Reply(201, { a: 1 }, { 'X-Test': 'yes' })),
  route(endpoint({ ...base, paths: ['/forbidden'] }), () => Promise.reject(forbidden('No'))),
  route(endpoint({ ...base, paths: ['/broken'] }), () => {
    throw new Error('secret detail');
  }),
  route(endpoint({ ...base, paths: ['/limited'], limit: 'login' }), () => ({})),
  route(endpoint({ ...base, paths: ['/admin'], access: 'admin' }), () => ({})),
  route(endpoint({ ...base, paths: ['/wait'] }), async ({ cancellation }) => {
    await sleep(systemClock, 20_000, cancellation);
    gone();
    return { ended: cancellation.isCancelled };
  }),
];

let server: HttpServer;
beforeAll(async () => {
  server = await serveRoutes(routes, { sizes: { login: { perSecond: 0.001, burst: 2 } } });
});
afterAll(() => server.close());

async function call(
  method: string,
  path: string,
  options: { token?: string; body?: string | Uint8Array<ArrayBuffer> } = {},
) {
  const headers = options.token === undefined ? {} : { Authorization: `Bearer ${options.token}` };
  const response = await fetch(`${server.urls[0]}${path}`, { method, headers, body: options.body ?? null });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
}

describe('a request', () => {
  test('reaches its handler checked', async () => {
    const answer = await call('PUT', '/echo/a%2Fb', { token: 'alice', body: '{"text":"x","more":[1]}' });
    expect(answer).toMatchObject({
      status: 200,
      json: { name: 'a/b', body: { text: 'x', more: [1] }, user: '@alice:test' },
    });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
  });

  test.each([
    ['a token in the query', '/search?term=x&access_token=alice', { term: 'x', user: '@alice:test' }],
    ['a token that takes a look-up', '/search?term=x&access_token=guest&limit=5', { limit: 5, user: '@1:test' }],
    ['an optional token that is absent', '/maybe', {}],
    ['an optional token', '/maybe?access_token=alice', { user: '@alice:test' }],
    ['an answer that is text already', '/raw', { é: 1 }],
  ])('with %s', async (_, path, json) => {
    expect(await call('GET', path)).toMatchObject({ status: 200, json });
  });

  test('may be answered with another status and headers', async () => {
    const answer = await call('GET', '/reply');
    expect(answer).toMatchObject({ status: 201, json: { a: 1 } });
    expect(answer.headers.get('x-test')).toBe('yes');
  });

  test('HEAD is GET without a body', async () => {
    expect(await call('HEAD', '/raw')).toMatchObject({ status: 200, json: undefined });
  });

  test('OPTIONS is answered for every path', async () => {
    for (const path of ['/echo/x', '/no/such/path', '/%']) {
      const { status, headers } = await call('OPTIONS', path);
      expect(status).toBe(204);
      expect(headers.get('access-control-allow-methods')).toContain('PUT');
      expect(headers.get('access-control-allow-headers')).toContain('Authorization');
    }
  });
});

describe('an error', () => {
  const deep = `{"text":${'['.repeat(150)}${']'.repeat(150)}}`;
  test.each([
    ['GET', '/nothing', {}, 404, 'M_UNRECOGNIZED'],
    ['POST', '/search', {}, 405, 'M_UNRECOGNIZED'],
    ['PUT', '/echo/%E0%A4', { token: 'alice', body: '{}' }, 400, 'M_INVALID_PARAM'],
    ['PUT', '/echo/x', { body: '{}' }, 401, 'M_MISSING_TOKEN'],
    ['PUT', '/echo/x', { token: 'nobody', body: '{}' }, 401, 'M_UNKNOWN_TOKEN'],
    ['GET', '/maybe?access_token=nobody', {}, 401, 'M_UNKNOWN_TOKEN'],
    ['PUT', '/echo/x', { token: 'guest', body: '{}' }, 403, 'M_GUEST_ACCESS_FORBIDDEN'],
    ['GET', '/admin', { token: 'alice' }, 403, 'M_FORBIDDEN'],
    ['PUT', '/echo/x', { token: 'alice' }, 400, 'M_NOT_JSON'],
    ['PUT', '/echo/x', { token: 'alice', body: '{"text":' }, 400, 'M_NOT_JSON'],
    ['PUT', '/echo/x', { token: 'alice', body: new Uint8Array([0x22, 0xff, 0x22]) }, 400, 'M_NOT_JSON'],
    ['PUT', '/echo/x', { token: 'alice', body: '[]' }, 400, 'M_BAD_JSON'],
    ['PUT', '/echo/x', { token: 'alice', body: deep }, 400, 'M_BAD_JSON'],
    ['PUT', '/echo/x', { token: 'alice', body: '{"text":7}' }, 400, 'M_BAD_JSON'],
    ['PUT', '/echo/x', { token: 'alice', body: '{}' }, 400, 'M_MISSING_PARAM'],
    ['PUT', '/echo/x', { token: 'alice', body: '{"text":"","nested":{}}' }, 400, 'M_MISSING_PARAM'],
    ['PUT', '/echo/x', { token: 'alice', body: `{"text":"${'x'.repeat(20_000)}"}` }, 413, 'M_TOO_LARGE'],
    ['GET', '/search', { token: 'alice' }, 400, 'M_MISSING_PARAM'],
    ['GET', '/search?term=x&limit=ten', { token: 'alice' }, 400, 'M_INVALID_PARAM'],
    ['GET', '/search?term=x&term=y', { token: 'alice' }, 400, 'M_INVALID_PARAM'],
    ['POST', '/empty', { body: 'x' }, 400, 'M_NOT_JSON'],
    ['GET', '/forbidden', {}, 403, 'M_FORBIDDEN'],
    ['GET', '/broken', {}, 500, 'M_UNKNOWN'],
  ])('%s %s %o: %i %s', async (method, path, options, status, errcode) => {
    const answer = await call(method, path, options);
    expect(answer).toMatchObject({ status, json: { errcode, error: expect.any(String) } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.json.error).not.toContain('secret');
  });

  test('names the mistake', async () => {
    const nested = await call('PUT', '/echo/x', { token: 'alice', body: '{"text":"","nested":{"count":"1"}}' });
    expect(nested.json.error).toBe("Bad member 'nested.count': expected number");
    const query = await call('GET', '/search?term=x&limit=-1', { token: 'alice' });
    expect(query.json.error).toBe("Bad query parameter 'limit': must be an integer of at least 0");
  });

  test('for too many requests contains the time to wait', async () => {
    for (const _ of [1, 2]) expect((await call('GET', '/limited')).status).toBe(200);
    const answer = await call('GET', '/limited');
    expect(answer).toMatchObject({ status: 429, json: { errcode: 'M_LIMIT_EXCEEDED' } });
    expect(Number(answer.headers.get('retry-after')) * 1000).toBeGreaterThanOrEqual(answer.json.retry_after_ms);
  });

  test('for a request that is not HTTP is a standard error', async () => {
    const { port } = new URL(server.urls[0] ?? '');
    const socket = connect(Number(port), '127.0.0.1');
    socket.end('nonsense\r\n\r\n');
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1.1 400 [\s\S]*"errcode":"M_UNKNOWN"/);
  });
});

test('an empty body is an empty object if the endpoint declares it', async () => {
  expect(await call('POST', '/empty')).toMatchObject({ status: 200, json: {} });
});

describe('a waiting request', () => {
  test('ends when its client disconnects', async () => {
    const noticed = new Promise<void>((resolve) => {
      gone = resolve;
    });
    const controller = new AbortController();
    const waiting = fetch(`${server.urls[0]}/wait`, { signal: controller.signal }).catch(() => {});
    await sleep(systemClock, 50);
    controller.abort();
    await Promise.all([waiting, noticed]);
  });

  test('is answered when the server closes', async () => {
    const other = await serveRoutes(routes);
    const waiting = fetch(`${other.urls[0]}/wait`);
    await sleep(systemClock, 50);
    await other.close();
    expect(await (await waiting).json()).toEqual({ ended: true });
  });
});
