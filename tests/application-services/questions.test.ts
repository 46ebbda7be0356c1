import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { registrationFiles, registrationOf } from '../support/application-service.ts';
import { pathOf, request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { listenAsService, type ServiceListener } from '../support/service-listener.ts';
import type { TestUser } from '../support/user.ts';

let irc: ServiceListener;
let other: ServiceListener;
let server: TestServer;
let alice: TestUser;
const bot = () => ({ server, token: 'as-token-of-irc' });
const asked = (path: string) => irc.calls.filter((call) => call.path.startsWith(path));

beforeAll(async () => {
  [irc, other] = [await listenAsService(), await listenAsService()];
  const files = registrationFiles(
    registrationOf('irc', { url: irc.url, protocols: ['irc', 'shared'] }),
    registrationOf('other', { url: other.url, protocols: ['shared'] }),
    registrationOf('mute'),
  );
  server = await startServer({ config: { application_services: files } });
  alice = await server.user();
});
afterEach(() => {
  irc.answer = () => [200, {}];
  irc.before = () => Promise.resolve();
  other.answer = () => [200, {}];
  expect(server.faults).toEqual([]);
});
afterAll(async () => {
  await server.close();
  await irc.close();
  await other.close();
});

/** Answers questions about names only after `create` has created what they name. */
function creating(create: (name: string) => Promise<unknown>) {
  const created = new Set<string>();
  irc.answer = ({ path, method }) => {
    if (method !== 'GET') return [200, {}];
    const name = decodeURIComponent(path.split('/').at(-1) ?? '');
    return created.has(name) ? [200, {}] : [404, {}];
  };
  irc.before = async ({ path, method }) => {
    if (method !== 'GET') return;
    const name = decodeURIComponent(path.split('/').at(-1) ?? '');
    await create(name);
    created.add(name);
  };
}

describe('an application service is asked', () => {
  test('about an alias of its namespace that does not exist, and can create it', async () => {
    creating((alias) =>
      request(bot(), 'POST', '/createRoom', {
        body: { preset: 'public_chat', room_alias_name: alias.slice(1, alias.indexOf(':')) },
      }),
    );
    const alias = '#_irc_asked:hearth.test';
    const replies = await Promise.all([1, 2, 3].map(() => request(alice, 'POST', pathOf('join', alias), { body: {} })));
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(asked('/_matrix/app/v1/rooms/')).toHaveLength(1);
    expect(asked('/_matrix/app/v1/rooms/')[0]?.authorization).toBe('Bearer hs-token-of-irc');
    await alice.get(pathOf('directory', 'room', alias));
    expect(asked('/_matrix/app/v1/rooms/')).toHaveLength(1);
  });

  test('about a user of its namespace who does not exist, before an invite or a look at the profile', async () => {
    creating((userId) => {
      const username = userId.slice(1, userId.indexOf(':'));
      return request(bot(), 'POST', '/register', { body: { type: 'm.login.application_service', username } });
    });
    const profile = await alice.get(pathOf('profile', '@_irc_seen:hearth.test'));
    expect(profile).toEqual({ displayname: '_irc_seen' });
    const { room_id: roomId } = await alice.post<{ room_id: string }>('/createRoom', {});
    await alice.post(pathOf('rooms', roomId, 'invite'), { user_id: '@_irc_invited:hearth.test' });
    expect(asked('/_matrix/app/v1/users/').map(({ path }) => decodeURIComponent(path.split('/').at(-1) ?? ''))).toEqual(
      ['@_irc_seen:hearth.test', '@_irc_invited:hearth.test'],
    );
  });

  test('once about a name that it does not create', async () => {
    irc.answer = () => [404, {}];
    const before = asked('/_matrix/app/v1/rooms/').length;
    for (let i = 0; i < 3; i += 1) {
      const path = pathOf('directory', 'room', '#_irc_absent:hearth.test');
      expect((await request(alice, 'GET', path)).status).toBe(404);
    }
    expect(asked('/_matrix/app/v1/rooms/')).toHaveLength(before + 1);
    irc.answer = () => undefined;
    const path = pathOf('profile', '@_irc_silent:hearth.test');
    expect((await request(alice, 'GET', path)).status).toBe(404);
  });

  test('about nothing outside its namespaces', async () => {
    const before = irc.calls.length;
    for (const path of [
      pathOf('directory', 'room', '#elsewhere:hearth.test'),
      pathOf('profile', '@nobody:hearth.test'),
      pathOf('profile', '@_mute_user:hearth.test'),
    ])
      expect((await request(alice, 'GET', path)).status).toBe(404);
    expect(irc.calls.length).toBe(before);
  });
});

describe('third-party networks', () => {
  const instance = { desc: 'Libera', network_id: 'libera', fields: {} };
  const protocol = {
    user_fields: ['nick'],
    location_fields: ['channel'],
    icon: 'mxc://x/y',
    field_types: {},
    instances: [instance],
  };
  const get = (path: string, query = {}) => request(alice, 'GET', `/thirdparty/${path}`, { query });

  test('are those of all application services that answer', async () => {
    irc.answer = ({ path }) => (path.includes('/protocol/') ? [200, protocol] : [404, {}]);
    other.answer = () => [200, { ...protocol, instances: [{ ...instance, network_id: 'oftc' }, 'no object'] }];
    const { json } = await get('protocols');
    expect(Object.keys(json).sort()).toEqual(['irc', 'shared']);
    const instances = (json.shared as JsonObject).instances as JsonObject[];
    expect(instances.map(({ instance_id }) => instance_id)).toEqual(['irc|libera', 'other|oftc']);
    expect((await get('protocol/irc')).json).toEqual({
      ...protocol,
      instances: [{ ...instance, instance_id: 'irc|libera' }],
    });
    expect(await get('protocol/unknown')).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
  });

  test('are searched by the fields of the request', async () => {
    const found = { alias: '#_irc_x:hearth.test', protocol: 'irc', fields: { channel: '#x' } };
    irc.answer = ({ path }) => (path.includes('/thirdparty/') ? [200, [found, 1] as never] : [404, {}]);
    other.answer = () => [200, { no: 'list' }];
    const located = await get('location/irc', { channel: '#x y', access_token: alice.token });
    expect(JSON.parse(located.text)).toEqual([found]);
    expect(irc.calls.at(-1)?.path).toBe('/_matrix/app/v1/thirdparty/location/irc?channel=%23x+y');
    expect(JSON.parse((await get('user', { userid: '@_irc_x:hearth.test' })).text)).toEqual([found]);
    expect(irc.calls.at(-1)?.path).toBe('/_matrix/app/v1/thirdparty/user?userid=%40_irc_x%3Ahearth.test');
    expect((await get('user/unknown')).status).toBe(404);
    irc.answer = () => undefined;
    expect(JSON.parse((await get('location', { alias: '#a:b' })).text)).toEqual([]);
  });
});

describe('a ping', () => {
  const ping = (id: string, token: string) =>
    request({ server, token }, 'POST', `/_matrix/client/v1/appservice/${id}/ping`, {
      body: { transaction_id: 'meow' },
    });

  test('measures the time until the application service answers', async () => {
    const { status, json } = await ping('irc', 'as-token-of-irc');
    expect(status).toBe(200);
    expect(json.duration_ms).toBeTypeOf('number');
    expect(irc.calls.at(-1)).toMatchObject({
      method: 'POST',
      path: '/_matrix/app/v1/ping',
      body: { transaction_id: 'meow' },
    });
  });

  test('reports what is wrong', async () => {
    irc.answer = () => [403, { errcode: 'M_FORBIDDEN' }];
    expect(await ping('irc', 'as-token-of-irc')).toMatchObject({
      status: 502,
      json: { errcode: 'M_BAD_STATUS', status: 403, body: '{"errcode":"M_FORBIDDEN"}' },
    });
    irc.answer = () => undefined;
    expect(await ping('irc', 'as-token-of-irc')).toMatchObject({
      status: 502,
      json: { errcode: 'M_CONNECTION_FAILED' },
    });
    expect(await ping('mute', 'as-token-of-mute')).toMatchObject({ status: 400, json: { errcode: 'M_URL_NOT_SET' } });
  });

  test('is only for the application service itself', async () => {
    for (const [id, token] of [
      ['irc', alice.token],
      ['other', 'as-token-of-irc'],
      ['absent', 'as-token-of-irc'],
    ] as const)
      expect(await ping(id, token)).toMatchObject({ status: 403, json: { errcode: 'M_FORBIDDEN' } });
    expect(asString((await ping('irc', 'no token')).json.errcode)).toBe('M_UNKNOWN_TOKEN');
  });
});
