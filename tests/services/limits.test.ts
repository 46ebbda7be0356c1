import { afterEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf, request } from '../support/client.ts';
import { type ServerOptions, startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

let server: TestServer;
afterEach(() => server.close());

const burst = (tokens: number) => ({ per_second: 0.001, burst: tokens });

async function start(limits: JsonObject): Promise<void> {
  const rate_limits = { registration: false, login: false, ...limits };
  server = await startServer({ config: { rate_limits } as NonNullable<ServerOptions['config']> });
}

const post = async (user: TestUser, path: string, body: JsonObject) =>
  (await request(user, 'POST', `/_matrix/client/v3${path}`, { body })).status;
const put = async (user: TestUser, path: string, body: JsonObject) =>
  (await request(user, 'PUT', `/_matrix/client/v3${path}`, { body })).status;

describe('the budget of events', () => {
  test('is shared by all endpoints that cause events in rooms', async () => {
    await start({ event: burst(30) });
    const user = await server.user();
    const other = await server.user();
    const room = await user.createRoom();
    const target = { user_id: other.userId };
    const actions = [
      () => post(user, pathOf('rooms', room, 'ban'), target),
      () => post(user, pathOf('rooms', room, 'unban'), target),
      () => post(user, pathOf('rooms', room, 'invite'), target),
      () => post(user, pathOf('rooms', room, 'kick'), target),
      () => put(user, pathOf('rooms', room, 'state', 'm.room.topic'), { topic: `${Math.random()}` }),
      () => put(user, pathOf('rooms', room, 'send', 'm.room.message', `${Math.random()}`), { body: 'x' }),
    ];
    let sent = 0;
    for (let i = 0; i < 40; i++) if ((await actions[i % actions.length]?.()) === 200) sent += 1;
    // The seven events of the new room count as well.
    expect(sent).toBe(23);
  });

  test('is used by the events of new rooms', async () => {
    await start({ event: burst(30), invite: burst(5) });
    const user = await server.user();
    const event = { type: 'org.example', content: {} };
    const initial_state = Array.from({ length: 20 }, (_, i) => ({ ...event, state_key: `${i}` }));
    expect(await post(user, '/createRoom', { initial_state })).toBe(200);
    expect(await post(user, '/createRoom', {})).toBe(429);
    const inviting = await server.user();
    const invite = Array.from({ length: 3 }, (_, i) => `@someone${i}:hearth.test`);
    expect(await post(inviting, '/createRoom', { invite })).toBe(200);
    expect(await post(inviting, '/createRoom', { invite })).toBe(429);
  });
});

test('a suspended user may redact only their own events, and leave rooms', async () => {
  await start({});
  const admin = await server.admin();
  const moderator = await server.user();
  const room = await moderator.createRoom();
  const user = await server.user();
  await user.join(room);
  await moderator.setState(room, 'm.room.power_levels', { users: { [user.userId]: 100 } });
  const own = await user.send(room, 'mine');
  const foreign = await moderator.send(room, 'not mine');
  const path = `/_matrix/client/v1/admin/suspend/${user.userId}`;
  await request(admin, 'PUT', path, { body: { suspended: true } });
  expect(await put(user, pathOf('rooms', room, 'redact', own, 't1'), {})).toBe(200);
  const refused = await request(user, 'PUT', `/_matrix/client/v3${pathOf('rooms', room, 'redact', foreign, 't2')}`, {
    body: {},
  });
  expect([refused.status, refused.json.errcode]).toEqual([403, 'M_USER_SUSPENDED']);
  expect(await post(user, pathOf('rooms', room, 'leave'), {})).toBe(200);
});
