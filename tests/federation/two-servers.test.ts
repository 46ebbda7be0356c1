import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SERVER_TLS } from '../support/certificates.ts';
import { pathOf, request } from '../support/client.ts';
import { freePort } from '../support/free-port.ts';
import { FEDERATING, type Peer, type PeerAnswer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const folder = mkdtempSync(join(tmpdir(), 'hearth-federation-'));
const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };

/** The servers, each on its own loopback address. The name of a server contains its port. */
let one: TestServer;
let two: TestServer;
let peer: Peer;
let answer: PeerAnswer = [200, {}];
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  writeFileSync(tls.certificate, SERVER_TLS.cert);
  writeFileSync(tls.key, SERVER_TLS.key);
  peer = await startPeer(() => answer);
  [one, two] = [await start('127.0.0.2'), await start('127.0.0.3')];
  [alice, bob] = [await one.user('alice'), await two.user('bob')];
  await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'Bob' });
});
afterAll(async () => {
  await one.close();
  await two.close();
  await peer.close();
  rmSync(folder, { recursive: true });
  expect([...one.faults, ...two.faults]).toEqual([]);
});

async function start(host: string): Promise<TestServer> {
  const address = `${host}:${await freePort()}`;
  const federation = { enabled: true, retry_min_ms: 600_000 };
  const listen = ['127.0.0.1:0', { address, tls }];
  return startServer({ config: { ...FEDERATING, federation, server_name: address, listen } });
}

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
