import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { asString, type JsonObject, type JsonValue } from '../../packages/protocol/src/json/value.ts';
import { registrationFiles, registrationOf } from '../support/application-service.ts';
import { call, pathOf, type RequestOptions, request } from '../support/client.ts';
import { startServer } from '../support/server.ts';

const irc = registrationOf('irc');
const slack = registrationOf('slack', { rate_limited: false });
const server = await startServer({ config: { application_services: registrationFiles(irc, slack) } });
afterEach(() => expect(server.faults).toEqual([]));
afterAll(() => server.close());

const BOT = '@irc-bot:hearth.test';
const idOf = (name: string) => `@_irc_${name}:hearth.test`;
const service = { server, token: irc.as_token };
const register = (username: string, token: string | undefined = irc.as_token, more: JsonObject = {}) =>
  request({ server, ...(token !== undefined && { token }) }, 'POST', '/register', {
    body: { type: 'm.login.application_service', username, ...more },
  });
/** Sends a request for a user of the application service. */
const as = (userId: string, method: string, path: string, options: RequestOptions = {}) =>
  request(service, method, path, { ...options, query: { ...options.query, user_id: userId } });
const outcome = async (reply: ReturnType<typeof request>) => {
  const { status, json } = await reply;
  return [status, json.errcode];
};
let count = 0;
/** Registers a user of the application service. */
async function virtualUser(): Promise<string> {
  count += 1;
  expect((await register(`_irc_user${count}`)).status).toBe(200);
  return idOf(`user${count}`);
}

describe('an application service', () => {
  test('acts as its own user, which exists from the start', async () => {
    const { status, json } = await request(service, 'GET', '/account/whoami');
    expect([status, json]).toEqual([200, { user_id: BOT, is_guest: false }]);
  });

  test('registers users in its namespace without a password, and gets a session unless it wants none', async () => {
    const first = await register('_irc_registered');
    expect(first).toMatchObject({ status: 200, json: { user_id: idOf('registered') } });
    const { status, json } = await register('_irc_silent', irc.as_token, { inhibit_login: true });
    expect([status, json]).toEqual([200, { user_id: idOf('silent') }]);
    expect(await outcome(register('_irc_silent'))).toEqual([400, 'M_USER_IN_USE']);
  });

  test('registers nobody outside its namespace', async () => {
    expect(await outcome(register('someone'))).toEqual([400, 'M_EXCLUSIVE']);
    expect(await outcome(register('_slack_someone'))).toEqual([400, 'M_EXCLUSIVE']);
    expect(await outcome(register('slack-bot'))).toEqual([400, 'M_EXCLUSIVE']);
    expect(await outcome(register('_irc_Capital'))).toEqual([400, 'M_INVALID_USERNAME']);
  });

  test('needs its token for registration and login', async () => {
    expect(await outcome(register('_irc_x', 'wrong'))).toEqual([401, 'M_UNKNOWN_TOKEN']);
    const none = request({ server }, 'POST', '/register', {
      body: { type: 'm.login.application_service', username: '_irc_x' },
    });
    expect(await outcome(none)).toEqual([401, 'M_MISSING_TOKEN']);
    const login = { type: 'm.login.application_service', identifier: { type: 'm.id.user', user: 'irc-bot' } };
    expect(await outcome(request({ server }, 'POST', '/login', { body: login }))).toEqual([401, 'M_MISSING_TOKEN']);
  });

  test('logs in as its users only', async () => {
    const userId = await virtualUser();
    const login = (user: string) =>
      request(service, 'POST', '/login', {
        body: { type: 'm.login.application_service', identifier: { type: 'm.id.user', user } },
      });
    const { json } = await login(userId);
    const whoami = await call({ server, token: asString(json.access_token) ?? '' }, 'GET', '/account/whoami');
    expect(whoami).toMatchObject({ user_id: userId, device_id: json.device_id });
    await server.user('human');
    expect(await outcome(login('human'))).toEqual([400, 'M_EXCLUSIVE']);
    expect(await outcome(login('_irc_nobody'))).toEqual([403, 'M_FORBIDDEN']);
    const { flows } = await call({ server }, 'GET', '/login');
    expect(flows).toContainEqual({ type: 'm.login.application_service' });
  });

  test('acts for its registered users only', async () => {
    const alice = await server.user();
    const userId = await virtualUser();
    expect((await as(userId, 'GET', '/account/whoami')).json.user_id).toBe(userId);
    expect(await outcome(as(alice.userId, 'GET', '/account/whoami'))).toEqual([403, 'M_FORBIDDEN']);
    expect(await outcome(as(idOf('nobody'), 'GET', '/account/whoami'))).toEqual([403, 'M_FORBIDDEN']);
    const other = request({ server, token: slack.as_token }, 'GET', '/account/whoami', { query: { user_id: userId } });
    expect(await outcome(other)).toEqual([403, 'M_FORBIDDEN']);
  });

  test('creates, uses and deletes devices of its users without further proof', async () => {
    const userId = await virtualUser();
    const device = pathOf('devices', 'BRIDGE');
    expect((await as(userId, 'PUT', device, { body: { display_name: 'A bridge' } })).status).toBe(201);
    expect((await as(userId, 'PUT', device, { body: { display_name: 'Renamed' } })).status).toBe(200);
    const query = { device_id: 'BRIDGE' };
    expect((await as(userId, 'GET', '/account/whoami', { query })).json.device_id).toBe('BRIDGE');
    const unstable = { 'org.matrix.msc3202.device_id': 'BRIDGE' };
    expect((await as(userId, 'GET', '/account/whoami', { query: unstable })).json.device_id).toBe('BRIDGE');
    expect(await outcome(as(userId, 'GET', '/account/whoami', { query: { device_id: 'OTHER' } }))).toEqual([
      400,
      'M_UNKNOWN_DEVICE',
    ]);
    expect((await as(userId, 'DELETE', device, { body: {} })).status).toBe(200);
    expect((await as(userId, 'GET', device)).status).toBe(404);
  });

  test('creates devices and users once if several requests do it at the same time', async () => {
    const userId = await virtualUser();
    const atOnce = async (create: () => ReturnType<typeof request>) =>
      (await Promise.all(Array.from({ length: 8 }, create))).map(({ status }) => status).sort((a, b) => a - b);
    for (let round = 0; round < 5; round += 1) {
      const device = pathOf('devices', `DEVICE${round}`);
      const body = { display_name: 'A bridge' };
      expect(await atOnce(() => as(userId, 'PUT', device, { body }))).toEqual([...Array<number>(7).fill(200), 201]);
      expect(await atOnce(() => register(`_irc_parallel${round}`))).toEqual([200, ...Array<number>(7).fill(400)]);
    }
    const { json } = await as(userId, 'GET', '/devices');
    expect((json.devices as JsonObject[]).filter(({ display_name: name }) => name === 'A bridge')).toHaveLength(5);
  });

  test('needs a device to upload keys', async () => {
    const userId = await virtualUser();
    expect(await outcome(as(userId, 'POST', '/keys/upload', { body: {} }))).toEqual([400, 'M_MISSING_PARAM']);
  });

  test('can use a deactivated user no more', async () => {
    const userId = await virtualUser();
    const asked = await as(userId, 'POST', '/account/deactivate', { body: {} });
    const auth = { type: 'm.login.dummy', session: asked.json.session ?? '' };
    expect((await as(userId, 'POST', '/account/deactivate', { body: { auth } })).status).toBe(200);
    expect(await outcome(as(userId, 'GET', '/account/whoami'))).toEqual([403, 'M_USER_DEACTIVATED']);
  });
});

describe('users of an application service', () => {
  test('send events once for each transaction id, although they have no device', async () => {
    const [first, second] = [await virtualUser(), await virtualUser()];
    const { json } = await as(first, 'POST', '/createRoom', { body: { preset: 'public_chat' } });
    const roomId = asString(json.room_id) ?? '';
    expect((await as(second, 'POST', pathOf('join', roomId), { body: {} })).status).toBe(200);
    const send = async (userId: string) =>
      (await as(userId, 'PUT', pathOf('rooms', roomId, 'send', 'm.room.message', 'txn'), { body: { body: 'once' } }))
        .json.event_id;
    const sent = await send(first);
    expect(await send(first)).toBe(sent);
    expect(await send(second)).not.toBe(sent);
    const synced = await as(second, 'GET', '/sync', { query: { timeout: 0 } });
    expect(JSON.stringify(synced.json.rooms).split('"once"')).toHaveLength(3);
    expect((await as(second, 'GET', '/events', { query: { timeout: 0 } })).status).toBe(200);
  });

  test('give events and states a time, which other users cannot', async () => {
    const userId = await virtualUser();
    const alice = await server.user();
    const { json } = await as(userId, 'POST', '/createRoom', {
      body: { preset: 'public_chat', invite: [alice.userId] },
    });
    const roomId = asString(json.room_id) ?? '';
    await alice.post(pathOf('join', roomId), {});
    const message = pathOf('rooms', roomId, 'send', 'm.room.message', 'm');
    const state = pathOf('rooms', roomId, 'state', 'm.room.topic');
    const member = pathOf('rooms', roomId, 'state', 'm.room.member', userId);
    const timeOf = async (eventId: JsonValue | undefined) =>
      (await alice.get<{ origin_server_ts: number }>(pathOf('rooms', roomId, 'event', asString(eventId) ?? '')))
        .origin_server_ts;
    const query = { ts: 1_000 };
    for (const [path, body] of [
      [message, { body: 'old' }],
      [state, { topic: 'old' }],
      [member, { membership: 'join', displayname: 'Old' }],
    ] as const) {
      const { status, json: sent } = await as(userId, 'PUT', path, { query, body });
      expect([status, await timeOf(sent.event_id)]).toEqual([200, 1_000]);
    }
    const own = await request(alice, 'PUT', message, { query, body: { body: 'new' } });
    expect(await timeOf(own.json.event_id)).toBeGreaterThan(1_000_000);
    expect(await outcome(as(userId, 'PUT', message, { query: { ts: 'soon' }, body: {} }))).toEqual([
      400,
      'M_INVALID_PARAM',
    ]);
  });
});

test('devices are not needed for lists of rooms, messages to devices and pushers', async () => {
  const userId = await virtualUser();
  const alice = await server.user();
  const sliding = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';
  const body = { lists: { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } }, conn_id: 'x' };
  expect((await as(userId, 'POST', sliding, { query: { timeout: 0 }, body })).status).toBe(200);
  const messages = { messages: { [alice.userId]: { '*': { a: 1 } } } };
  expect((await as(userId, 'PUT', '/sendToDevice/x.test/1', { body: messages })).status).toBe(200);
  const pusher = {
    kind: 'http',
    app_id: 'x',
    pushkey: 'x',
    app_display_name: 'x',
    device_display_name: 'x',
    lang: 'en',
  };
  const data = { url: 'https://push.example/_matrix/push/v1/notify' };
  expect((await as(userId, 'POST', '/pushers/set', { body: { ...pusher, data } })).status).toBe(200);
  expect((await as(userId, 'POST', '/logout', { body: {} })).status).toBe(200);
  expect((await as(userId, 'GET', '/account/whoami')).status).toBe(200);
});

describe('names that an application service reserves', () => {
  test('cannot be registered by people', async () => {
    for (const username of ['_irc_me', 'irc-bot']) {
      expect(await outcome(request({ server }, 'POST', '/register', { body: { username, password: 'x' } }))).toEqual([
        400,
        'M_EXCLUSIVE',
      ]);
      expect(await outcome(request({ server }, 'GET', '/register/available', { query: { username } }))).toEqual([
        400,
        'M_EXCLUSIVE',
      ]);
    }
  });

  test('cannot be used as aliases by people and other application services', async () => {
    const alice = await server.user();
    const roomId = (await alice.post<{ room_id: string }>('/createRoom', {})).room_id;
    const path = pathOf('directory', 'room', '#_irc_channel:hearth.test');
    expect(await outcome(request(alice, 'PUT', path, { body: { room_id: roomId } }))).toEqual([400, 'M_EXCLUSIVE']);
    const created = request(alice, 'POST', '/createRoom', { body: { room_alias_name: '_irc_channel' } });
    expect(await outcome(created)).toEqual([400, 'M_EXCLUSIVE']);
    const own = await request(service, 'POST', '/createRoom', { body: { room_alias_name: '_irc_channel' } });
    expect(own.status).toBe(200);
    const bySlack = { server, token: slack.as_token };
    for (const other of [alice, bySlack])
      expect(await outcome(request(other, 'DELETE', path))).toEqual([400, 'M_EXCLUSIVE']);
    const outside = request(service, 'PUT', pathOf('directory', 'room', '#outside:hearth.test'), {
      body: { room_id: asString(own.json.room_id) ?? '' },
    });
    expect(await outcome(outside)).toEqual([400, 'M_EXCLUSIVE']);
    expect((await request(service, 'DELETE', path)).status).toBe(200);
  });
});

test('every endpoint answers an application service that acts for a user without a device', async () => {
  const userId = await virtualUser();
  for (const { endpoint } of server.routes) {
    if (endpoint.access === 'server' || endpoint.operation === 'deactivateAccount') continue;
    const path = (endpoint.paths[0] ?? '').replace(/\{\w+\}/g, 'x');
    const body = endpoint.body === undefined ? {} : { body: {} };
    const { status } = await as(userId, endpoint.method, path, { query: { timeout: 0 }, ...body });
    expect(status, endpoint.operation).not.toBe(500);
  }
});
