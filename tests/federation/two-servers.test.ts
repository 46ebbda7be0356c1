import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Dns } from '../../packages/homeserver/src/platform/outbound/dns.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf, type QueryValues, request } from '../support/client.ts';
import { startFederatingServer } from '../support/federating-server.ts';
import { freePort } from '../support/free-port.ts';
import { FEDERATING, type Peer, type PeerAnswer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

/** The servers, each on its own loopback address. The name of a server contains its port. */
let one: TestServer;
let two: TestServer;
let peer: Peer;
let answer: PeerAnswer = [200, {}];
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  peer = await startPeer(() => answer);
  const config = { federation: { enabled: true, retry_min_ms: 600_000 } };
  [one, two] = [await startFederatingServer('127.0.0.2', config), await startFederatingServer('127.0.0.3', config)];
  [alice, bob] = [await one.user('alice'), await two.user('bob')];
  await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Bob' });
});
afterAll(async () => {
  await one.close();
  await two.close();
  await peer.close();
  expect([...one.faults, ...two.faults]).toEqual([]);
});

const profile = (user: TestUser, userId: string, ...field: string[]) =>
  request(user, 'GET', pathOf('profile', userId, ...field));

test('a user sees the profile of a user of another server', async () => {
  expect((await profile(alice, bob.userId)).json).toEqual({ displayname: 'Bob' });
  expect((await profile(alice, bob.userId, 'displayname')).json).toEqual({ displayname: 'Bob' });
  expect(await profile(alice, bob.userId, 'avatar_url')).toMatchObject({
    status: 404,
    json: { errcode: 'M_NOT_FOUND' },
  });
  expect(await profile(bob, alice.userId)).toMatchObject({ status: 200, json: {} });
});

test('each server has stored the key of the other', async () => {
  await profile(alice, bob.userId);
  await profile(bob, alice.userId);
  const known = (server: TestServer) => server.look<{ server: string }>('SELECT server FROM server_keys');
  const nameOf = (user: TestUser) => user.userId.slice(user.userId.indexOf(':') + 1);
  expect(await known(two)).toEqual([{ server: nameOf(alice) }]);
  expect(await known(one)).toEqual([{ server: nameOf(bob) }]);
});

test('a user that the other server does not know is not found', async () => {
  const stranger = bob.userId.replace('@bob', '@nobody');
  expect(await profile(alice, stranger)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
});

let count = 0;
test.each<[PeerAnswer, number, string]>([
  [[404, { errcode: 'M_NOT_FOUND', error: 'secret' }], 404, 'M_NOT_FOUND'],
  [[403, { errcode: 'M_FORBIDDEN', error: 'secret' }], 403, 'M_FORBIDDEN'],
  [[401, { errcode: 'M_UNKNOWN_TOKEN', error: 'secret', soft_logout: false }], 502, 'M_UNKNOWN'],
  [[500, { errcode: 'M_LIMIT_EXCEEDED', error: 'secret' }], 502, 'M_UNKNOWN'],
  [[302, { error: 'secret' }], 502, 'M_UNKNOWN'],
])('an error of another server is not passed on: %j', async (given, status, errcode) => {
  answer = given;
  count += 1;
  const reply = await profile(alice, `@u${count}:${peer.name}`);
  expect([reply.status, reply.json.errcode]).toEqual([status, errcode]);
  expect(reply.text).not.toMatch(/secret|soft_logout/);
});

test('fields that are null or of a wrong type are left out', async () => {
  answer = [200, { displayname: null, avatar_url: 5, 'm.tz': 'Europe/Paris', 'bad name': 1 }];
  expect((await profile(alice, `@odd:${peer.name}`)).json).toEqual({ 'm.tz': 'Europe/Paris' });
});

test('a server that does not answer is asked again only after a while, or when it has sent a request', async () => {
  const gone = `@x:127.0.0.3:${await freePort()}`;
  expect(await profile(alice, gone)).toMatchObject({ status: 502, json: { errcode: 'M_UNKNOWN' } });
  answer = [503, {}];
  const before = peer.received.length;
  for (let i = 0; i < 5; i++) expect((await profile(alice, `@down${i}:${peer.name}`)).status).toBe(502);
  expect(peer.received.length - before).toBe(1);
  answer = [200, {}];
  const path = `/_matrix/federation/v1/query/profile?user_id=${alice.userId}`;
  const here = alice.userId.slice(alice.userId.indexOf(':') + 1);
  const headers = peer.sign(here, 'GET', path);
  expect((await request({ server: one }, 'GET', path, { headers })).status).toBe(200);
  expect((await profile(alice, `@up:${peer.name}`)).status).toBe(200);
});

test('an alias of another server is resolved by that server', async () => {
  const room = await bob.createRoom({ room_alias_name: 'somewhere' });
  const [, here = ''] = bob.userId.split(/:(.*)/);
  const resolve = (alias: string) => request(alice, 'GET', pathOf('directory', 'room', alias));
  expect((await resolve(`#somewhere:${here}`)).json).toEqual({ room_id: room, servers: [here] });
  expect(await resolve(`#nowhere:${here}`)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
  answer = [200, { room_id: 'no room', servers: [] }];
  expect(await resolve(`#x:${peer.name}`)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
  answer = [200, { room_id: '!r:x.example', servers: ['x.example', 5, 'not a name'] }];
  expect((await resolve(`#x:${peer.name}`)).json).toEqual({ room_id: '!r:x.example', servers: ['x.example'] });
});

test('the published rooms of another server are listed, searched and paged', async () => {
  const [, there = ''] = bob.userId.split(/:(.*)/);
  for (const name of ['Green room', 'Blue room'])
    await bob.createRoom({ name, visibility: 'public', preset: 'public_chat' });
  const list = async (method: string, query: QueryValues, body?: JsonObject) => {
    const options = { query: { server: there, ...query }, ...(body === undefined ? {} : { body }) };
    const { json } = await request(alice, method, '/publicRooms', options);
    return json as { chunk: { name: string; num_joined_members: number }[]; next_batch?: string };
  };
  expect((await list('GET', {})).chunk.map(({ name }) => name)).toEqual(['Green room', 'Blue room']);
  const first = await list('GET', { limit: 1 });
  const second = await list('GET', { limit: 1, since: first.next_batch });
  expect([...first.chunk, ...second.chunk].map(({ name }) => name)).toEqual(['Green room', 'Blue room']);
  const found = await list('POST', {}, { filter: { generic_search_term: 'blue' } });
  expect(found.chunk).toMatchObject([{ name: 'Blue room', num_joined_members: 1, world_readable: false }]);
});

test('entries of a room list that are not valid are left out or repaired', async () => {
  answer = [
    200,
    { chunk: [1, {}, { room_id: '!r:x.example', name: 5, num_joined_members: -1, secret: 1 }], next_batch: 7 },
  ];
  const list = (server: string) => request(alice, 'GET', '/publicRooms', { query: { server } });
  expect((await list(peer.name)).json).toEqual({
    chunk: [{ room_id: '!r:x.example', num_joined_members: 0, world_readable: false, guest_can_join: false }],
  });
  answer = [200, {}];
  expect(await list(peer.name)).toMatchObject({ status: 502, json: { errcode: 'M_UNKNOWN' } });
  expect(await list('not a name')).toMatchObject({ status: 403 });
});

test('a service learns the owner of an OpenID token', async () => {
  const { access_token: token } = await alice.post<{ access_token: string }>(
    pathOf('user', alice.userId, 'openid', 'request_token'),
    {},
  );
  const ask = (query: QueryValues) =>
    request({ server: one }, 'GET', '/_matrix/federation/v1/openid/userinfo', { query });
  expect((await ask({ access_token: token })).json).toEqual({ sub: alice.userId });
  expect(await ask({ access_token: 'x' })).toMatchObject({ status: 401, json: { errcode: 'M_UNKNOWN_TOKEN' } });
  expect(await ask({})).toMatchObject({ status: 401, json: { errcode: 'M_MISSING_TOKEN' } });
});

test('a server is found by an SRV record, and its certificate is that of its name', async () => {
  const named = await startPeer(() => [200, { displayname: 'Carol' }], 'delegated.test');
  const wrong = await startPeer(() => [200, { displayname: 'Mallory' }], 'unnamed.test');
  const ports = new Map([
    ['_matrix-fed._tcp.delegated.test', named.port],
    ['_matrix._tcp.unnamed.test', wrong.port],
  ]);
  const dns: Dns = {
    resolve: (host) =>
      host === 'target.test' ? Promise.resolve([{ address: '127.0.0.1', family: 4 }]) : Promise.reject(new Error(host)),
    resolveServices: (service) => {
      const port = ports.get(service);
      return Promise.resolve(port === undefined ? [] : [{ name: 'target.test', port, priority: 0, weight: 0 }]);
    },
  };
  const server = await startServer({ config: FEDERATING, machine: { dns } });
  const user = await server.user();
  expect((await profile(user, '@carol:delegated.test')).json).toEqual({ displayname: 'Carol' });
  expect((await profile(user, '@mallory:unnamed.test')).status).toBe(502);
  expect(wrong.received).toEqual([]);
  await Promise.all([server.close(), named.close(), wrong.close()]);
});
