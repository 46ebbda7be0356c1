import { afterEach, describe, expect, test } from 'vitest';
import { systemRandom } from '../../packages/homeserver/src/platform/random.ts';
import { CHEAPEST_PASSWORD_COST, Passwords } from '../../packages/homeserver/src/users/credentials/passwords.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const burst = (tokens: number) => ({ per_second: 0.001, burst: tokens });

async function start(byUser: number, byAddress: number): Promise<TestServer> {
  const wrong = { wrong_password_user: burst(byUser), wrong_password_address: burst(byAddress) };
  server = await startServer({ config: { rate_limits: { login: false, registration: false, ...wrong } } });
  return server;
}

/** Requests that require the password of an account. Replacing cross-signing keys uses the same code. */
const ASKED: readonly (readonly [string, string, JsonObject])[] = [
  ['POST', '/account/password', { new_password: 'other' }],
  ['POST', '/account/deactivate', {}],
  ['DELETE', '/devices/x', {}],
  ['POST', '/delete_devices', { devices: ['x'] }],
  ['POST', '/_matrix/client/v1/login/get_token', {}],
];

function attempt(user: TestUser, [method, path, body]: (typeof ASKED)[number], password: string, from: string) {
  const auth = { type: 'm.login.password', identifier: { type: 'm.id.user', user: user.userId }, password };
  const full = path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`;
  return request(user, method, full, { body: { ...body, auth }, headers: { 'X-Forwarded-For': from } });
}

function logIn(user: Pick<TestUser, 'server' | 'userId'>, password: string, from: string) {
  const identifier = { type: 'm.id.user', user: user.userId };
  const body = { type: 'm.login.password', identifier, password };
  return request({ server: user.server }, 'POST', '/_matrix/client/v3/login', {
    body,
    headers: { 'X-Forwarded-For': from },
  });
}

describe('wrong passwords', () => {
  test('are limited for one user over all endpoints and addresses', async () => {
    const user = await (await start(6, 1_000)).user();
    const attempts = [...ASKED, ...ASKED].map((asked, i) => attempt(user, asked, 'wrong', `192.0.2.${i}`));
    const statuses = (await Promise.all(attempts)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(6);
    expect(statuses.filter((status) => status === 429)).toHaveLength(4);
    const refused = await logIn(user, 'wrong', '192.0.2.99');
    expect(refused).toMatchObject({ status: 429, json: { errcode: 'M_LIMIT_EXCEEDED' } });
    expect(refused.json.retry_after_ms).toBeGreaterThan(0);
  });

  test('are limited for one address over all users', async () => {
    const started = await start(1_000, 4);
    const users = await Promise.all([started.user(), started.user(), started.user()]);
    const logins = [...users, ...users].map((user) => logIn(user, 'wrong', '192.0.2.1'));
    const statuses = (await Promise.all(logins)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 403)).toHaveLength(4);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    const [user] = users;
    if (user !== undefined) expect((await logIn(user, 'wrong', '192.0.2.2')).status).toBe(403);
  });

  test('are limited for user names without an account too', async () => {
    const user = await (await start(2, 1_000)).user();
    const statuses = [];
    for (let i = 0; i < 3; i++)
      statuses.push(
        (await logIn({ server: user.server, userId: '@nobody:hearth.test' }, 'wrong', `192.0.2.${i}`)).status,
      );
    expect(statuses).toEqual([403, 403, 429]);
  });

  test('are counted, and right passwords are not', async () => {
    const user = await (await start(2, 2)).user();
    // The password of a test user is the user name.
    const password = user.userId.slice(1, user.userId.indexOf(':'));
    for (let i = 0; i < 6; i++) expect((await logIn(user, password, '192.0.2.1')).status).toBe(200);
  });
});

describe('hashing', () => {
  test('verifies hashes from other programs', async () => {
    const hash = '$argon2id$v=19$m=8,t=1,p=1$9RSxrsA4CkJiNVsrHlrHNg$N9F4O6FPDVKRiZ490ydgNDgn59Cm1x5mXall5JLD0tA';
    const passwords = new Passwords({ memoryKib: 64, iterations: 2, parallelism: 2 }, systemRandom);
    expect(await passwords.verify(hash, 'secret')).toBe(true);
    expect(await passwords.verify(hash, 'Secret')).toBe(false);
    expect(await passwords.verify(await passwords.hash('secret'), 'secret')).toBe(true);
    expect(await passwords.verify(null, 'secret')).toBe(false);
  });

  test('has a bounded queue', async () => {
    const passwords = new Passwords(CHEAPEST_PASSWORD_COST, systemRandom);
    const results = await Promise.allSettled(Array.from({ length: 150 }, () => passwords.hash('secret')));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refused).toHaveLength(48);
    for (const error of refused) expect(error).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
    expect(await passwords.hash('secret')).toMatch(/^\$argon2id\$/);
  });
});
