import { afterAll, expect, test } from 'vitest';
import { registrationFiles, registrationOf } from '../support/application-service.ts';
import { request } from '../support/client.ts';
import { startServer } from '../support/server.ts';

const limited = registrationOf('limited');
const free = registrationOf('free', { rate_limited: false });
const server = await startServer({
  config: {
    application_services: registrationFiles(limited, free),
    rate_limits: { settings: { per_second: 0.001, burst: 2 } },
  },
});
afterAll(() => server.close());

/** Returns the statuses of three requests for a user. */
async function statuses(token: string, userId: string): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    const path = `/user/${encodeURIComponent(userId)}/account_data/x`;
    all.push((await request({ server, token }, 'PUT', path, { query: { user_id: userId }, body: {} })).status);
  }
  return all;
}

test('rate limits apply to the users of an application service, unless its registration says otherwise', async () => {
  const results: Record<string, number[]> = {};
  for (const { id, as_token: token } of [limited, free]) {
    const body = { type: 'm.login.application_service', username: `_${id}_user`, inhibit_login: true };
    await request({ server, token }, 'POST', '/register', { body, headers: { 'X-Forwarded-For': '10.0.0.1' } });
    results[id] = await statuses(token, `@_${id}_user:hearth.test`);
    results[`${id}-bot`] = await statuses(token, `@${id}-bot:hearth.test`);
  }
  expect(results).toEqual({
    limited: [200, 200, 429],
    'limited-bot': [200, 200, 200],
    free: [200, 200, 200],
    'free-bot': [200, 200, 200],
  });
});
