import type { Endpoint } from '@hearth/api/endpoint.ts';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rateLimitSizes } from '../../packages/homeserver/src/compose/settings.ts';
import { configSchema } from '../../packages/homeserver/src/config/schema.ts';
import { route } from '../../packages/homeserver/src/http/route.ts';
import type { HttpServer } from '../../packages/homeserver/src/http/start.ts';
import { OPEN, serveRoutes } from '../../packages/homeserver/test/http/server.ts';
import { request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const server: TestServer = await startServer();
const endpoints = server.routes.map(({ endpoint }) => endpoint);
const named = endpoints.map((endpoint) => [endpoint.operation, endpoint] as const);
afterAll(() => server.close());

/** Returns a path of an endpoint with a value for each parameter. */
const pathOf = ({ paths }: Endpoint) => (paths[0] ?? '').replace(/\{\w+\}/g, 'x');

describe('limits', () => {
  const limited = named.filter(([, { limit }]) => typeof limit !== 'object' || !('none' in limit));
  let limits: HttpServer;
  beforeAll(async () => {
    const one = { perSecond: 0.001, burst: 1 };
    const sizes = Object.keys(rateLimitSizes(v.parse(configSchema, {}))).map((name) => [name, one]);
    const routes = endpoints.map((endpoint) => route({ ...endpoint, access: 'none' }, () => ({})));
    limits = await serveRoutes(routes, { sizes: Object.fromEntries(sizes) });
  });
  afterAll(() => limits.close());

  test.each(limited)('%s is refused when a budget is used up', async (operation, endpoint) => {
    const address = `10.1.${endpoints.indexOf(endpoint) >> 8}.${endpoints.indexOf(endpoint) & 255}`;
    const send = () =>
      fetch(`${limits.urls[0]}${pathOf(endpoint)}`, {
        method: endpoint.method,
        headers: { 'X-Forwarded-For': address },
      });
    expect((await send()).status, operation).not.toBe(429);
    const refused = await send();
    expect(refused.status).toBe(429);
    const answer = (await refused.json()) as { errcode: string; retry_after_ms: number };
    expect(answer.errcode).toBe('M_LIMIT_EXCEEDED');
    expect(answer.retry_after_ms).toBeGreaterThan(0);
    expect(Number(refused.headers.get('retry-after')) * 1000).toBeGreaterThanOrEqual(answer.retry_after_ms);
  });

  test('are missing only for a stated reason', () => {
    for (const { limit } of endpoints) {
      if (typeof limit === 'object' && 'none' in limit) expect(limit.none.length).toBeGreaterThan(10);
    }
    const forAll = endpoints.filter(({ access }) => access !== 'admin');
    expect(limited.length).toBeGreaterThan(forAll.length - 10);
  });

  test('count a network of IPv6 as one address', async () => {
    const routes = [
      route({ operation: 'test', method: 'GET', access: 'none', paths: ['/x'], ...OPEN, limit: 'login' }, () => ({})),
    ];
    const other = await serveRoutes(routes, { sizes: { login: { perSecond: 0.001, burst: 1 } } });
    const send = async (address: string) =>
      (await fetch(`${other.urls[0]}/x`, { headers: { 'X-Forwarded-For': address } })).status;
    expect(await send('2001:db8::1')).toBe(200);
    expect(await send('2001:db8:0:0:5::2')).toBe(429);
    expect(await send('2001:db8:0:1::1')).toBe(200);
    await other.close();
  });
});

describe('a user who is suspended or locked', () => {
  const withCaller = named.filter(([, { access }]) => access !== 'none' && access !== 'server');
  let moderator: TestUser;
  beforeAll(async () => {
    moderator = await server.admin();
  });

  async function restricted(what: 'suspend' | 'lock'): Promise<TestUser> {
    const user = await server.user();
    const path = `/_matrix/client/v1/admin/${what}/${user.userId}`;
    const { status } = await request(moderator, 'PUT', path, { body: { suspended: true, locked: true } });
    expect(status).toBe(200);
    return user;
  }

  const body = ({ body }: Endpoint) => (body === undefined ? {} : { rawBody: '{}' });
  const query = (endpoint: Endpoint) => (endpoint.operation.toLowerCase().includes('sync') ? { timeout: '0' } : {});

  test.each(withCaller)('is suspended: %s', async (_, endpoint) => {
    const user = await restricted('suspend');
    const reply = await request(user, endpoint.method, pathOf(endpoint), { ...body(endpoint), query: query(endpoint) });
    if (endpoint.whenSuspended === 'refused') {
      expect([reply.status, reply.json.errcode]).toEqual([403, 'M_USER_SUSPENDED']);
    } else {
      expect(reply.json.errcode).not.toBe('M_USER_SUSPENDED');
    }
  });

  test.each(withCaller)('is locked: %s', async (_, endpoint) => {
    const user = await restricted('lock');
    const { status, json } = await request(user, endpoint.method, pathOf(endpoint), body(endpoint));
    if (endpoint.whenLocked === 'refused') {
      expect(status).toBe(401);
      expect(json).toMatchObject({ errcode: 'M_USER_LOCKED', soft_logout: true });
    } else {
      expect(status).toBe(200);
    }
  });

  test('may only log out when locked', () => {
    const allowed = withCaller.filter(([, { whenLocked }]) => whenLocked === 'allowed').map(([name]) => name);
    expect(allowed.sort()).toEqual(['logout', 'logout_all']);
  });
});
