import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { registerAdmin } from '../support/admin.ts';
import { pathOf, request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { logInAgain, TestUser } from '../support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.close());

const register = (body: JsonObject, on = server) =>
  request({ server: on }, 'POST', '/_matrix/client/v3/register', { body });
const dummy = (session: unknown) => ({ type: 'm.login.dummy', session }) as JsonObject;
const outcome = async (reply: ReturnType<typeof register>) => {
  const { status, json } = await reply;
  return [status, json.errcode ?? json.user_id];
};

describe('an authentication session of a registration', () => {
  test('begins with an empty request that asks for the flows', async () => {
    const asked = await register({});
    expect(asked).toMatchObject({ status: 401, json: { flows: [{ stages: ['m.login.dummy'] }] } });
    const body = { username: 'cinny', password: 'cinny', auth: dummy(asked.json.session) };
    expect(await outcome(register(body))).toEqual([200, '@cinny:hearth.test']);
  });

  test('remembers what was asked for when the next request has authentication data alone', async () => {
    const { json } = await register({ username: 'remembered', password: 'remembered', device_id: 'MINE' });
    const reply = await register({ auth: dummy(json.session) });
    expect(reply).toMatchObject({ status: 200, json: { user_id: '@remembered:hearth.test', device_id: 'MINE' } });
    const user = new TestUser(server, reply.json as never);
    expect((await logInAgain(user)).userId).toBe('@remembered:hearth.test');
  });

  test('continues after a user name was refused', async () => {
    await server.user('taken');
    const { json } = await register({});
    const auth = dummy(json.session);
    expect(await outcome(register({ username: 'taken', auth }))).toEqual([400, 'M_USER_IN_USE']);
    expect(await outcome(register({ username: 'Not valid', auth }))).toEqual([400, 'M_INVALID_USERNAME']);
    expect(await outcome(register({ username: 'free', auth }))).toEqual([200, '@free:hearth.test']);
  });

  test('continues when another user takes the name at the same time, and registers one account', async () => {
    const sessions = await Promise.all([register({}), register({})]);
    const both = sessions.map(({ json }) => register({ username: 'raced', auth: dummy(json.session) }));
    const replies = await Promise.all(both);
    const loser = replies.findIndex(({ status }) => status === 400);
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(loser).not.toBe(-1);
    const auth = { session: sessions[loser]?.json.session ?? '' };
    expect(await outcome(register({ username: 'second-choice', auth }))).toEqual([200, '@second-choice:hearth.test']);
    expect(await outcome(register({ username: 'third', auth }))).toEqual([401, undefined]);
  });
});

test('asking for the flows does not count against the limit of registrations', async () => {
  const config = { rate_limits: { registration: { per_second: 0.001, burst: 2 } } };
  const limited = await startServer({ config });
  for (let i = 0; i < 20; i++) expect((await register({}, limited)).status).toBe(401);
  const attempts = [];
  for (const username of ['a', 'b', 'c']) {
    attempts.push((await register({ username, auth: { type: 'm.login.dummy' } }, limited)).status);
  }
  expect(attempts).toEqual([200, 200, 429]);
  await limited.close();
});

describe('a guest who registers', () => {
  async function guestInRoom() {
    const owner = await server.user();
    const room = await owner.createRoom();
    await owner.setState(room, 'm.room.guest_access', { guest_access: 'can_join' });
    const guest = await server.guest();
    await guest.join(room);
    return { guest, room, owner, username: guest.userId.slice(1, guest.userId.indexOf(':')) };
  }
  const auth = { type: 'm.login.dummy' };

  test('becomes a member with the same id, in the same rooms', async () => {
    const { guest, room, owner, username } = await guestInRoom();
    const reply = await register({ username, password: username, guest_access_token: guest.token ?? '', auth });
    expect(reply).toMatchObject({ status: 200, json: { user_id: guest.userId } });
    const member = new TestUser(server, reply.json as never);
    expect(await member.get('/account/whoami')).toMatchObject({ user_id: guest.userId, is_guest: false });
    expect(await member.get('/joined_rooms')).toEqual({ joined_rooms: [room] });
    expect((await request(guest, 'GET', '/_matrix/client/v3/account/whoami')).json.errcode).toBe('M_UNKNOWN_TOKEN');
    expect((await logInAgain(member)).userId).toBe(guest.userId);
    // Members stay in rooms that no longer admit guests.
    await owner.setState(room, 'm.room.guest_access', { guest_access: 'forbidden' });
    expect(await member.send(room, 'still here')).toMatch(/^\$/);
  });

  test('becomes a member once, with the token and the name of the guest', async () => {
    const { guest, owner, username } = await guestInRoom();
    const guest_access_token = guest.token ?? '';
    expect(await outcome(register({ username: 'somebody', guest_access_token, auth }))).toEqual([
      400,
      'M_INVALID_USERNAME',
    ]);
    expect(await outcome(register({ guest_access_token, auth }))).toEqual([400, 'M_MISSING_PARAM']);
    for (const wrong of ['unknown', owner.token ?? '']) {
      expect(await outcome(register({ username, guest_access_token: wrong, auth }))).toEqual([403, 'M_FORBIDDEN']);
    }
    expect(await outcome(register({ username, auth }))).toEqual([400, 'M_USER_IN_USE']);
    const twice = [1, 2].map(() => register({ username, password: 'p', guest_access_token, auth }));
    expect((await Promise.all(twice)).filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

describe('a new account', () => {
  const displayname = async (userId: string) =>
    (await request({ server }, 'GET', `/_matrix/client/v3/profile/${userId}/displayname`)).json.displayname;

  test('has its localpart as display name', async () => {
    expect(await displayname((await server.user('named')).userId)).toBe('named');
    expect(await displayname((await registerAdmin(server, 'secretly')).userId)).toBe('secretly');
  });

  test('has no display name if it is a guest account', async () => {
    expect(await displayname((await server.guest()).userId)).toBeUndefined();
  });
});

describe('a request that was answered with a challenge', () => {
  test('may be repeated with authentication data alone', async () => {
    const user = await server.user();
    const password = user.userId.slice(1, user.userId.indexOf(':'));
    const path = '/_matrix/client/v3/delete_devices';
    const other = await logInAgain(user);
    const asked = await request(user, 'POST', path, { body: { devices: [other.deviceId] } });
    const identifier = { type: 'm.id.user', user: user.userId };
    const auth = { type: 'm.login.password', identifier, password, session: asked.json.session ?? '' };
    expect((await request(user, 'POST', path, { body: { auth } })).status).toBe(200);
    expect((await request(other, 'GET', '/_matrix/client/v3/account/whoami')).status).toBe(401);
    expect((await request(user, 'POST', path, { body: {} })).json.errcode).toBe('M_MISSING_PARAM');
  });

  test('cannot be replaced by a request to another path', async () => {
    const user = await server.user();
    const password = user.userId.slice(1, user.userId.indexOf(':'));
    const asked = await request(user, 'DELETE', '/_matrix/client/v3/devices/x');
    const auth = { type: 'm.login.password', password, session: asked.json.session ?? '' };
    for (const path of ['/_matrix/client/v3/account/deactivate', '/_matrix/client/v3/devices/y']) {
      const method = path.endsWith('y') ? 'DELETE' : 'POST';
      expect((await request(user, method, path, { body: { auth } })).status).toBe(403);
    }
  });
});

describe('data that clients read when they start', () => {
  test('names unknown values as null', async () => {
    const user = await server.user();
    const { devices } = await user.get<{ devices: JsonObject[] }>('/devices');
    expect(devices[0]).toHaveProperty('display_name', null);
    expect(Object.keys(devices[0] ?? {}).sort()).toEqual(['device_id', 'display_name', 'last_seen_ip', 'last_seen_ts']);
    const room = await user.createRoom();
    const { joined } = await user.get<{ joined: JsonObject }>(pathOf('rooms', room, 'joined_members'));
    expect(joined[user.userId]).toHaveProperty('avatar_url', null);
  });

  test('is present even if it is empty', async () => {
    const user = await server.user();
    expect(await user.get('/account/3pid')).toEqual({ threepids: [] });
    expect(await user.get('/voip/turnServer')).toEqual({});
  });
});
