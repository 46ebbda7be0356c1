import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CrossSigningMaker, DeviceMaker } from '../../packages/homeserver/test/support/key-maker.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { request, type TestReply } from '../support/client.ts';
import { startFederatingServer } from '../support/federating-server.ts';
import { freePort } from '../support/free-port.ts';
import { type Peer, type PeerAnswer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

/** The servers, each on its own loopback address. The name of a server contains its port. */
let one: TestServer;
let two: TestServer;
let peer: Peer;
let answer: PeerAnswer = [200, {}];
let alice: TestUser;
let bob: TestUser;
let phone: DeviceMaker;
let crossSigning: ReturnType<CrossSigningMaker['upload']>;
beforeAll(async () => {
  peer = await startPeer(() => answer);
  [one, two] = [await start('127.0.0.2', false), await start('127.0.0.3', true)];
  [alice, bob] = [await one.user('alice'), await two.user('bob')];
  phone = new DeviceMaker(bob.userId, bob.deviceId);
  await bob.put(`/devices/${bob.deviceId}`, { display_name: "Bob's phone" });
  await bob.post('/keys/upload', { device_keys: phone.keys(), one_time_keys: phone.oneTime('A', 'B', 'C', 'D') });
  crossSigning = new CrossSigningMaker(bob.userId).upload();
  await bob.post('/keys/device_signing/upload', crossSigning);
});
afterAll(async () => {
  await one.close();
  await two.close();
  await peer.close();
  expect([...one.faults, ...two.faults]).toEqual([]);
});

function start(host: string, showsDeviceNames: boolean): Promise<TestServer> {
  const federation = { enabled: true, retry_min_ms: 600_000, show_device_names: showsDeviceNames };
  return startFederatingServer(host, { federation });
}

const serverOf = ({ userId }: TestUser) => userId.slice(userId.indexOf(':') + 1);

/** Sends a signed request of the peer. */
function ask({ url }: TestServer, here: TestUser, method: string, path: string, body?: JsonObject): Promise<TestReply> {
  const uri = `/_matrix/federation/v1/user/${path}`;
  const headers = peer.sign(serverOf(here), method, uri, body);
  return request({ server: { url } }, method, uri, { headers, ...(body !== undefined && { body }) });
}

describe('a user', () => {
  test('gets the keys of a user of another server, without the user-signing key', async () => {
    const answered = await alice.post('/keys/query', { device_keys: { [bob.userId]: [], [alice.userId]: [] } });
    const unsigned = { device_display_name: "Bob's phone" };
    expect(answered).toMatchObject({
      device_keys: {
        [bob.userId]: { [bob.deviceId]: { keys: phone.keys().keys ?? {}, unsigned } },
        [alice.userId]: {},
      },
      master_keys: { [bob.userId]: crossSigning.master_key },
      self_signing_keys: { [bob.userId]: crossSigning.self_signing_key },
      user_signing_keys: {},
      failures: {},
    });
  });

  test('gets only the devices that the query names', async () => {
    const wanted = { [bob.userId]: ['OTHER'] };
    const answered = await alice.post<{ device_keys: object }>('/keys/query', { device_keys: wanted });
    expect(answered.device_keys).toEqual({ [bob.userId]: {} });
  });

  test('gets another key than users of any server who claim at the same time', async () => {
    const wanted = { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'signed_curve25519' } } };
    const users = [alice, await one.user(), await two.user()];
    const answers = await Promise.all([
      ...users.map((user) => user.post('/keys/claim', wanted)),
      ask(two, bob, 'POST', 'keys/claim', wanted).then(({ json }) => ({ ...json, failures: {} })),
    ]);
    const keyIds = answers.map((one) => /signed_curve25519:\w+/.exec(JSON.stringify(one))?.[0]);
    expect(new Set(keyIds)).toEqual(new Set(['A', 'B', 'C', 'D'].map((id) => `signed_curve25519:${id}`)));
    expect(answers.map(({ failures }) => failures)).toEqual(answers.map(() => ({})));
  });

  test('gets the failure of a server that does not answer, with the keys of the other servers', async () => {
    const gone = `127.0.0.3:${await freePort()}`;
    const query = { device_keys: { [bob.userId]: [], [`@x:${gone}`]: [] }, timeout: 5_000 };
    const answered = await alice.post<{ device_keys: object; failures: object }>('/keys/query', query);
    expect(Object.keys(answered.device_keys)).toEqual([bob.userId]);
    expect(answered.failures).toEqual({ [gone]: { errcode: 'M_UNKNOWN', error: `${gone} does not answer` } });
    const claim = { one_time_keys: { [`@x:${gone}`]: { DEVICE: 'signed_curve25519' } } };
    expect(await alice.post('/keys/claim', claim)).toEqual({ one_time_keys: {}, failures: answered.failures });
  });

  test('gets nothing of the error of another server', async () => {
    answer = [401, { errcode: 'M_UNKNOWN_TOKEN', error: 'secret', soft_logout: false }];
    const stranger = `@x:${peer.name}`;
    const requests: [string, JsonObject][] = [
      ['query', { device_keys: { [stranger]: [] } }],
      ['claim', { one_time_keys: { [stranger]: { DEVICE: 'signed_curve25519' } } }],
    ];
    for (const [path, wanted] of requests) {
      const { status, json, text } = await request(alice, 'POST', `/keys/${path}`, { body: wanted });
      expect([status, json.failures]).toMatchObject([200, { [peer.name]: { errcode: 'M_UNKNOWN' } }]);
      expect(text).not.toMatch(/secret|soft_logout|M_UNKNOWN_TOKEN/);
    }
  });

  test('gets the failure of every other server if the own server does not federate', async () => {
    const closed = await startServer({ config: { federation: { enabled: false } } });
    const user = await closed.user();
    const query = { device_keys: { [bob.userId]: [], [user.userId]: [] } };
    expect(await user.post('/keys/query', query)).toMatchObject({
      device_keys: { [user.userId]: {} },
      failures: { [serverOf(bob)]: { errcode: 'M_UNKNOWN' } },
    });
    await closed.close();
  });
});

describe('another server', () => {
  test('gets the device list of a user with the stream id of its last change', async () => {
    const list = () => ask(two, bob, 'GET', `devices/${encodeURIComponent(bob.userId)}`);
    const before = await list();
    expect([before.status, before.json]).toMatchObject([
      200,
      {
        user_id: bob.userId,
        stream_id: expect.any(Number),
        devices: [{ device_id: bob.deviceId, keys: { device_id: bob.deviceId }, device_display_name: "Bob's phone" }],
        master_key: crossSigning.master_key,
        self_signing_key: crossSigning.self_signing_key,
      },
    ]);
    expect(before.text).not.toContain('user_signing');
    await bob.put(`/devices/${bob.deviceId}`, { display_name: 'Phone' });
    const after = await list();
    expect(after.json.devices).toMatchObject([{ device_display_name: 'Phone' }]);
    const streamId = async () => Number((await list()).json.stream_id);
    await expect.poll(streamId).toBeGreaterThan(Number(before.json.stream_id));
  });

  test('gets no names of devices unless the configuration permits it', async () => {
    const carol = await one.user('carol');
    const maker = new DeviceMaker(carol.userId, carol.deviceId);
    await carol.put(`/devices/${carol.deviceId}`, { display_name: 'secret' });
    await carol.post('/keys/upload', { device_keys: maker.keys() });
    const list = await ask(one, carol, 'GET', `devices/${encodeURIComponent(carol.userId)}`);
    const query = await ask(one, carol, 'POST', 'keys/query', { device_keys: { [carol.userId]: [] } });
    expect(list.json.devices).toEqual([{ device_id: carol.deviceId, keys: expect.any(Object) }]);
    expect(query.json.device_keys).toMatchObject({ [carol.userId]: { [carol.deviceId]: { user_id: carol.userId } } });
    expect(list.text + query.text).not.toContain('secret');
  });

  test('gets the same keys by a query as users, except the user-signing key', async () => {
    const { json } = await ask(two, bob, 'POST', 'keys/query', { device_keys: { [bob.userId]: [bob.deviceId] } });
    const own = await bob.post('/keys/query', { device_keys: { [bob.userId]: [] } });
    const { user_signing_keys: userSigning, failures, ...others } = own;
    expect(json).toEqual(others);
    expect([userSigning, failures]).toEqual([{ [bob.userId]: crossSigning.user_signing_key }, {}]);
  });

  test('is refused if it asks for users of other servers, for unknown users or for too many', async () => {
    const stranger = '@x:elsewhere.test';
    const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`@u${i}:${serverOf(bob)}`, []]));
    const devices = Array.from({ length: 10_001 }, (_, i) => `D${i}`);
    const algorithms = Object.fromEntries(devices.map((id) => [id, 'signed_curve25519']));
    const refused: [string, string, JsonObject | undefined, number, string][] = [
      ['GET', `devices/${encodeURIComponent(stranger)}`, undefined, 400, 'M_INVALID_PARAM'],
      ['GET', `devices/${encodeURIComponent(`@nobody:${serverOf(bob)}`)}`, undefined, 404, 'M_NOT_FOUND'],
      ['POST', 'keys/query', { device_keys: { [stranger]: [] } }, 400, 'M_INVALID_PARAM'],
      ['POST', 'keys/query', { device_keys: { x: [] } }, 400, 'M_BAD_JSON'],
      ['POST', 'keys/query', { device_keys: many }, 400, 'M_INVALID_PARAM'],
      ['POST', 'keys/query', { device_keys: { [bob.userId]: devices } }, 400, 'M_INVALID_PARAM'],
      ['POST', 'keys/claim', { one_time_keys: { [stranger]: {} } }, 400, 'M_INVALID_PARAM'],
      ['POST', 'keys/claim', { one_time_keys: { [bob.userId]: [] } }, 400, 'M_BAD_JSON'],
      ['POST', 'keys/claim', { one_time_keys: { [bob.userId]: algorithms } }, 400, 'M_INVALID_PARAM'],
    ];
    for (const [method, path, body, status, errcode] of refused) {
      const reply = await ask(two, bob, method, path, body);
      expect([path, reply.status, reply.json.errcode]).toEqual([path, status, errcode]);
    }
  });
});
