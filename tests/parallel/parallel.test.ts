import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CrossSigningMaker, DeviceMaker } from '../../packages/homeserver/test/support/key-maker.ts';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { request, type TestReply } from '../support/client.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { Page, TestUser } from '../support/user.ts';

const AT_ONCE = 5;

/** Sends equal requests at the same time. */
function together(make: (i: number) => Promise<TestReply>): Promise<TestReply[]> {
  return Promise.all(Array.from({ length: AT_ONCE }, (_, i) => make(i)));
}

/** Returns the outcomes, sorted: `ok` or the error code. */
function outcomes(replies: readonly TestReply[]): string[] {
  return replies.map(({ status, json }) => (status === 200 ? 'ok' : (asString(json.errcode) ?? `${status}`))).sort();
}

const others = (code: string) => Array.from({ length: AT_ONCE - 1 }, () => code);
/** The outcomes when one request succeeds and the others are refused. */
const one = (code: string) => ['ok', ...others(code)].sort();
const all = Array.from({ length: AT_ONCE }, () => 'ok');

describe.each(TEST_ENGINES)('equal requests at the same time, on $name', ({ postgres }) => {
  let server: TestServer;
  let alice: TestUser;
  let bob: TestUser;
  let room: string;
  beforeAll(async () => {
    server = await startServer({ postgres });
    [alice, bob] = [await server.user(), await server.user()];
    room = await alice.createRoom();
  });
  afterAll(async () => {
    await server.close();
    expect(server.faults).toEqual([]);
  });

  const count = async (type: string) => {
    const page = await alice.get<Page>(`/rooms/${room}/messages`, { dir: 'b', limit: 1_000 });
    return page.chunk.filter((event) => event.type === type).length;
  };
  const post = (user: TestUser, path: string, body: JsonObject = {}) => user.request('POST', path, { body });
  const put = (user: TestUser, path: string, body: JsonObject = {}) => user.request('PUT', path, { body });

  test('one user name is registered once', async () => {
    const register = () =>
      request({ server }, 'POST', '/register', {
        body: { username: 'twice', password: 'long enough 123', auth: { type: 'm.login.dummy' } },
      });
    expect(outcomes(await together(register))).toEqual(one('M_USER_IN_USE'));
  });

  test('one alias is created once, and removed once', async () => {
    const path = `/directory/room/${encodeURIComponent('#parallel:hearth.test')}`;
    expect(outcomes(await together(() => put(alice, path, { room_id: room })))).toEqual(one('M_UNKNOWN'));
    const removed = await together(() => alice.request('DELETE', path));
    expect(new Set(outcomes(removed))).toEqual(new Set(['M_NOT_FOUND', 'ok']));
    const created = await together(() => post(alice, '/createRoom', { room_alias_name: 'parallel' }));
    expect(outcomes(created)).toEqual(one('M_ROOM_IN_USE'));
  });

  test('each request to create a room creates one', async () => {
    const replies = await together(() => post(alice, '/createRoom', { preset: 'public_chat' }));
    expect(outcomes(replies)).toEqual(all);
    expect(new Set(replies.map(({ json }) => json.room_id)).size).toBe(AT_ONCE);
  });

  test('a room is upgraded once', async () => {
    const old = await alice.createRoom();
    const replies = await together(() => post(alice, `/rooms/${old}/upgrade`, { new_version: '11' }));
    expect(outcomes(replies)).toEqual(one('M_FORBIDDEN'));
  });

  test('a reaction and a transaction are sent once', async () => {
    const event = await alice.send(room, 'hello');
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: event, key: 'x' } };
    const reactions = await together((i) => put(alice, `/rooms/${room}/send/m.reaction/parallel${i}`, content));
    expect(outcomes(reactions)).toEqual(one('M_DUPLICATE_ANNOTATION'));
    const sent = await together(() => put(alice, `/rooms/${room}/send/com.example.once/same`, { n: 1 }));
    expect(outcomes(sent)).toEqual(all);
    expect(new Set(sent.map(({ json }) => json.event_id)).size).toBe(1);
    expect(await count('com.example.once')).toBe(1);
    const redacted = await together(() => put(alice, `/rooms/${room}/redact/${encodeURIComponent(event)}/same`));
    expect(new Set(redacted.map(({ json }) => json.event_id)).size).toBe(1);
  });

  test('a membership changes once', async () => {
    const before = await count('m.room.member');
    const target = { user_id: bob.userId };
    expect(outcomes(await together(() => post(alice, `/rooms/${room}/invite`, target)))).toEqual(all);
    expect(outcomes(await together(() => post(bob, `/rooms/${room}/join`)))).toEqual(all);
    expect(outcomes(await together(() => post(bob, `/rooms/${room}/leave`)))).toEqual(all);
    expect(outcomes(await together(() => post(alice, `/rooms/${room}/ban`, target)))).toEqual(all);
    expect(outcomes(await together(() => post(alice, `/rooms/${room}/unban`, target)))).toEqual(one('M_BAD_STATE'));
    expect(await count('m.room.member')).toBe(before + 5);
  });

  test('the same state is set once', async () => {
    const replies = await together(() => put(alice, `/rooms/${room}/state/com.example.state/`, { same: true }));
    expect(outcomes(replies)).toEqual(all);
    expect(await count('com.example.state')).toBe(1);
  });

  test('first cross-signing keys are stored once', async () => {
    const user = await server.user();
    const replies = await together(() =>
      post(user, '/keys/device_signing/upload', new CrossSigningMaker(user.userId).upload()),
    );
    expect(outcomes(replies)).toEqual(['401', '401', '401', '401', 'ok']);
  });

  test('one-time keys of one id are stored once', async () => {
    const user = await server.user();
    const device = new DeviceMaker(user.userId, user.deviceId);
    const replies = await together(() => post(user, '/keys/upload', { one_time_keys: device.oneTime('A') }));
    expect(outcomes(replies)).toEqual(one('M_UNKNOWN'));
  });

  test('each backup gets its own version, and its keys are counted', async () => {
    const backup = { algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: { public_key: 'x' } };
    const versions = await together(() => post(alice, '/room_keys/version', backup));
    expect(outcomes(versions)).toEqual(all);
    const names = versions.map(({ json }) => Number(json.version)).sort((a, b) => a - b);
    expect(new Set(names).size).toBe(AT_ONCE);
    const session = { first_message_index: 0, forwarded_count: 0, is_verified: false, session_data: {} };
    const path = `/room_keys/keys/${encodeURIComponent(room)}`;
    const stored = await together((i) => put(alice, `${path}/session${i}?version=${names.at(-1)}`, session));
    expect(outcomes(stored)).toEqual(all);
    const { count: keys } = await alice.get<{ count: number }>(`/room_keys/version/${names.at(-1)}`);
    expect(keys).toBe(AT_ONCE);
  });

  test('media are uploaded once', async () => {
    const created = await post(alice, '/_matrix/media/v1/create');
    const id = (asString(created.json.content_uri) ?? '').slice('mxc://hearth.test/'.length);
    const replies = await together((i) =>
      alice.request('PUT', `/_matrix/media/v3/upload/hearth.test/${id}`, { body: new Uint8Array([i]) }),
    );
    expect(outcomes(replies)).toEqual(one('M_CANNOT_OVERWRITE_MEDIA'));
  });

  test('all settings that are changed at the same time are stored', async () => {
    const user = await server.user();
    const base = `/user/${encodeURIComponent(user.userId)}`;
    expect(outcomes(await together((i) => put(user, `${base}/rooms/${room}/tags/u.${i}`)))).toEqual(all);
    const { tags } = await user.get<{ tags: JsonObject }>(`${base}/rooms/${room}/tags`);
    expect(Object.keys(tags)).toHaveLength(AT_ONCE);
    const rules = await together((i) => put(user, `/pushrules/global/room/!r${i}:hearth.test`, { actions: [] }));
    expect(outcomes(rules)).toEqual(all);
    const { global } = await user.get<{ global: { room: unknown[] } }>('/pushrules/');
    expect(global.room).toHaveLength(AT_ONCE);
    const half = 'x'.repeat(30_000);
    const fields = await together((i) =>
      put(user, `/profile/${encodeURIComponent(user.userId)}/u.f${i}`, { [`u.f${i}`]: half }),
    );
    expect(outcomes(fields).filter((outcome) => outcome === 'ok')).toHaveLength(2);
  });

  test('a refresh token is used once', async () => {
    const login = await request({ server }, 'POST', '/login', {
      body: {
        type: 'm.login.password',
        identifier: { type: 'm.id.user', user: alice.userId },
        password: alice.userId.slice(1, alice.userId.indexOf(':')),
        refresh_token: true,
      },
    });
    const refreshed = await together(() =>
      request({ server }, 'POST', '/refresh', { body: { refresh_token: login.json.refresh_token ?? '' } }),
    );
    const tokens = refreshed.flatMap(({ status, json }) => (status === 200 ? [asString(json.access_token) ?? ''] : []));
    expect(tokens.length).toBeGreaterThan(0);
    const working = await Promise.all(
      tokens.map((token) => request({ server, token }, 'GET', '/account/whoami').then(({ status }) => status)),
    );
    expect(working.filter((status) => status === 200)).toHaveLength(1);
  });

  test('sessions end once, and accounts are deactivated once', async () => {
    const user = await server.user();
    const password = user.userId.slice(1, user.userId.indexOf(':'));
    const identifier = { type: 'm.id.user', user: user.userId };
    const deactivate = async () => {
      const { json } = await post(user, '/account/deactivate');
      const auth = { type: 'm.login.password', session: json.session ?? '', identifier, password };
      return post(user, '/account/deactivate', { auth });
    };
    const statuses = (await together(deactivate)).map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => status === 200 || status === 401 || status === 403)).toBe(true);
  });
});
