import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { registrationFiles, registrationOf } from '../support/application-service.ts';
import { pathOf, request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const SENDER = '@notices:hearth.test';
const PATH = '/_synapse/admin/v1/send_server_notice';
const engines = [['SQLite', undefined] as const, ['PostgreSQL', inject('postgresUrl')] as const].filter(
  ([name, postgres]) => name === 'SQLite' || postgres !== undefined,
);

describe.each(engines)('server notices on %s', (_name, postgres) => {
  let server: TestServer;
  let admin: TestUser;
  beforeAll(async () => {
    const server_notices = { localpart: 'notices', room_topic: 'Messages of this server' };
    server = await startServer({ config: { server_notices }, postgres });
    admin = await server.admin();
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(() => server.close());

  const bodyFor = (userId: string, body = 'maintenance at noon') => ({
    user_id: userId,
    content: { msgtype: 'm.text', body },
  });
  const send = (body: JsonObject, by = admin) => request(by, 'POST', PATH, { body });
  const sendOnce = (txn: string, body: JsonObject) => request(admin, 'PUT', `${PATH}/${txn}`, { body });
  /** Sends a notice to a user and returns the room of the invite. */
  async function invitedTo(user: TestUser): Promise<string> {
    expect((await send(bodyFor(user.userId))).status).toBe(200);
    const rooms = Object.keys((await user.sync()).rooms?.invite ?? {});
    expect(rooms).toHaveLength(1);
    return rooms[0] ?? '';
  }

  test('are sent by administrators only', async () => {
    const user = await server.user();
    for (const body of [{}, bodyFor(user.userId)])
      expect(await send(body, user)).toMatchObject({ status: 403, json: { errcode: 'M_FORBIDDEN' } });
  });

  test('are refused for users who do not exist here', async () => {
    for (const userId of ['@nobody:hearth.test', '@somebody:elsewhere.test', 'x'])
      expect(await send(bodyFor(userId))).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    expect(await send({ content: {} })).toMatchObject({ status: 400 });
  });

  test('arrive in one room, in which the user cannot talk and which has a tag', async () => {
    const user = await server.user();
    const roomId = await invitedTo(user);
    await user.post(pathOf('join', roomId), {});
    const { json } = await send(bodyFor(user.userId, 'another one'));
    const room = (await user.sync()).rooms?.join?.[roomId];
    expect(room?.timeline.events.at(-1)).toMatchObject({
      event_id: json.event_id,
      sender: SENDER,
      content: { body: 'another one' },
    });
    const contentOf = (type: string, key = '') => user.get(pathOf('rooms', roomId, 'state', type, key));
    expect(await contentOf('m.room.name')).toEqual({ name: 'Server Notices' });
    expect(await contentOf('m.room.topic')).toMatchObject({ topic: 'Messages of this server' });
    expect(await contentOf('m.room.member', SENDER)).toMatchObject({ displayname: 'Server Notices' });
    const talk = request(user, 'PUT', pathOf('rooms', roomId, 'send', 'm.room.message', '1'), { body: { body: 'hi' } });
    expect((await talk).status).toBe(403);
    const tags = await user.get<JsonObject>(pathOf('user', user.userId, 'rooms', roomId, 'tags'));
    expect(tags.tags).toEqual({ 'm.server_notice': {} });
  });

  test('cannot be rejected as an invite, by any request', async () => {
    const user = await server.user();
    const roomId = await invitedTo(user);
    const refused = { status: 403, json: { errcode: 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM' } };
    const leave = { membership: 'leave' };
    expect(await request(user, 'POST', pathOf('rooms', roomId, 'leave'), { body: {} })).toMatchObject(refused);
    const member = pathOf('rooms', roomId, 'state', 'm.room.member', user.userId);
    expect(await request(user, 'PUT', member, { body: leave })).toMatchObject(refused);
    const delayed = { 'org.matrix.msc4140.delay': 1 };
    await request(user, 'PUT', member, { body: leave, query: delayed });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(Object.keys((await user.sync()).rooms?.invite ?? {})).toEqual([roomId]);
  });

  test('come to the same room after the user has left it, also at the same time', async () => {
    const user = await server.user();
    const all = await Promise.all([1, 2, 3].map((i) => send(bodyFor(user.userId, `notice ${i}`))));
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    const [roomId = '', ...others] = Object.keys((await user.sync()).rooms?.invite ?? {});
    expect(others).toEqual([]);
    await user.post(pathOf('join', roomId), {});
    await user.post(pathOf('rooms', roomId, 'leave'), {});
    expect(await invitedTo(user)).toBe(roomId);
  });

  test('are sent once for each transaction id', async () => {
    const user = await server.user();
    const first = await sendOnce('txn', bodyFor(user.userId));
    expect(first.status).toBe(200);
    expect((await sendOnce('txn', bodyFor(user.userId))).json).toEqual(first.json);
    await server.restart();
    expect((await sendOnce('txn', bodyFor(user.userId))).json).toEqual(first.json);
    expect((await sendOnce('other', bodyFor(user.userId))).json).not.toEqual(first.json);
  });

  test('leave no invite when they are refused', async () => {
    const user = await server.user();
    const long = { ...bodyFor(user.userId, 'x'.repeat(70_000)) };
    expect((await send(long)).status).toBe(413);
    expect(await send({ ...bodyFor(user.userId), type: 'm.room.member', state_key: user.userId })).toMatchObject({
      status: 400,
      json: { errcode: 'M_INVALID_PARAM' },
    });
    expect((await user.sync()).rooms?.invite ?? {}).toEqual({});
  });

  test('can be states, which are set once for each transaction id', async () => {
    const user = await server.user();
    const stateOf = (value: number) => ({
      user_id: user.userId,
      type: 'org.example.notice',
      state_key: '',
      content: { value },
    });
    const first = await sendOnce('state', stateOf(1));
    expect((await sendOnce('other state', stateOf(2))).json).not.toEqual(first.json);
    expect((await sendOnce('state', stateOf(1))).json).toEqual(first.json);
  });

  test('reach users who refuse all invites', async () => {
    const user = await server.user();
    const path = pathOf('user', user.userId, 'account_data', 'm.invite_permission_config');
    await user.put(path, { default_action: 'block' });
    await invitedTo(user);
  });

  test('do not keep an account from being deactivated', async () => {
    const user = await server.user();
    await invitedTo(user);
    const asked = await request(user, 'POST', '/account/deactivate', { body: {} });
    const auth = {
      type: 'm.login.password',
      session: asked.json.session ?? '',
      identifier: { type: 'm.id.user', user: user.userId },
      password: user.userId.slice(1, user.userId.indexOf(':')),
    };
    expect((await request(user, 'POST', '/account/deactivate', { body: { auth } })).status).toBe(200);
    expect(await send(bodyFor(user.userId))).toMatchObject({ status: 404 });
  });

  test('come from a user as whom nobody can log in or register', async () => {
    const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'notices' }, password: '' };
    expect((await request({ server }, 'POST', '/login', { body: login })).status).toBe(403);
    const register = { username: 'notices', password: 'x', auth: { type: 'm.login.dummy' } };
    const { json } = await request({ server }, 'POST', '/register', { body: register });
    expect(asString(json.errcode)).toBe('M_USER_IN_USE');
  });
});

test('server notices are refused by a server without a sender of them', async () => {
  const server = await startServer();
  const admin = await server.admin();
  const reply = await request(admin, 'POST', PATH, { body: { user_id: admin.userId, content: {} } });
  expect(reply).toMatchObject({ status: 400, json: { errcode: 'M_UNKNOWN' } });
  expect(reply.json.error).toContain('server_notices.localpart');
  await server.close();
});

test('users join the room of server notices at once if the configuration says so', async () => {
  const server = await startServer({ config: { server_notices: { localpart: 'notices', auto_join: true } } });
  const [admin, user] = [await server.admin(), await server.user()];
  const content = { msgtype: 'm.text', body: 'hello' };
  await request(admin, 'POST', PATH, { body: { user_id: user.userId, content } });
  const rooms = Object.values((await user.sync()).rooms?.join ?? {});
  expect(rooms.map(({ timeline }) => timeline.events.at(-1)?.content)).toEqual([content]);
  await server.close();
});

describe('the sender of server notices', () => {
  const configured = (dataDir: string, server_notices: JsonObject) =>
    startServer({ config: { data_dir: dataDir, server_notices } });

  test('does not count as the first account of a server', async () => {
    const server = await startServer({
      config: {
        registration: { policy: 'token' },
        server_notices: { localpart: 'notices' },
        application_services: registrationFiles(registrationOf('irc')),
      },
    });
    expect(server.firstToken).toBeTypeOf('string');
    await server.restart();
    expect(server.firstToken).toBeTypeOf('string');
    await server.close();
  });

  test('cannot be the account of a user', async () => {
    const server = await startServer();
    await server.user('taken');
    await server.stop();
    await expect(configured(server.dataDir, { localpart: 'taken' })).rejects.toThrow('is the account of a user');
    await server.close().catch(() => undefined);
  });

  test('gets a new room when the configuration names another user, and describes an old one anew', async () => {
    const before = await startServer({ config: { server_notices: { localpart: 'old', room_topic: 'Old' } } });
    const [admin, user] = [await before.admin(), await before.user()];
    const notify = (server: TestServer) => {
      const body = { user_id: user.userId, content: { msgtype: 'm.text', body: 'hello' } };
      return request({ server, token: admin.token }, 'POST', PATH, { body });
    };
    await notify(before);
    const [roomId = ''] = Object.keys((await user.sync()).rooms?.invite ?? {});
    await user.post(pathOf('join', roomId), {});
    await before.stop();
    const same = await configured(before.dataDir, { localpart: 'old', room_name: 'New' });
    expect((await notify(same)).status).toBe(200);
    const nameOf = async (type: string) =>
      (await request({ server: same, token: user.token }, 'GET', pathOf('rooms', roomId, 'state', type, ''))).json;
    expect([await nameOf('m.room.name'), await nameOf('m.room.topic')]).toEqual([{ name: 'New' }, {}]);
    await same.stop();
    const other = await configured(before.dataDir, { localpart: 'new' });
    expect((await notify(other)).status).toBe(200);
    const rooms = await request({ server: other, token: user.token }, 'GET', '/sync', { query: { timeout: 0 } });
    expect(Object.keys((rooms.json.rooms as JsonObject).invite as JsonObject)).toHaveLength(1);
    await other.close();
  });
});
