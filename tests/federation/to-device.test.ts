import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf, request } from '../support/client.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { startFederatingServer } from '../support/federating-server.ts';
import { FEDERATING, type Peer, type PeerAnswer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { SyncReply, TestUser } from '../support/user.ts';

let transactions = 0;
const send = (from: TestUser, to: string, devices: JsonObject, txn = `to-device-${++transactions}`) =>
  from.put(pathOf('sendToDevice', 'm.test', txn), { messages: { [to]: devices } });

interface Received {
  readonly sender: string;
  readonly type: string;
  readonly content: JsonObject;
}

/** Synchronises until a device has received so many messages. Returns them. */
async function received(user: TestUser, count: number): Promise<Received[]> {
  const events: Received[] = [];
  let since: string | undefined;
  for (let tries = 0; events.length < count && tries < 100; tries += 1) {
    const timeout = since === undefined ? 0 : 200;
    const reply: SyncReply & { to_device?: { events: Received[] } } = await user.sync({ since, timeout });
    events.push(...(reply.to_device?.events ?? []));
    since = reply.next_batch;
  }
  return events;
}

const numbers = (events: readonly Received[]) => events.map(({ content }) => Number(content.n));

describe('a to-device message to a user of another server', () => {
  let one: TestServer & { readonly name: string };
  let two: TestServer & { readonly name: string };
  let alice: TestUser;
  beforeAll(async () => {
    [one, two] = [await startFederatingServer('127.0.0.2'), await startFederatingServer('127.0.0.3')];
    alice = await one.user();
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    expect([...one.faults, ...two.faults]).toEqual([]);
  });

  test('reaches the named device or all devices, in order and once', async () => {
    const bob = await two.user();
    await send(alice, bob.userId, { [bob.deviceId]: { n: 1 }, OTHER: { n: 0 } }, 'first');
    await send(alice, bob.userId, { [bob.deviceId]: { n: 1 } }, 'first');
    for (let n = 2; n <= 150; n += 1) await send(alice, bob.userId, { '*': { n } });
    const events = await received(bob, 150);
    expect(numbers(events)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    expect(events[0]).toEqual({ sender: alice.userId, type: 'm.test', content: { n: 1 } });
  });

  test('waits for a server that does not answer, also if the own server stops meanwhile', async () => {
    const bob = await two.user();
    await two.stop();
    for (let n = 1; n <= 3; n += 1) await send(alice, bob.userId, { '*': { n } });
    await one.restart();
    await send(alice, bob.userId, { '*': { n: 4 } });
    await two.restart();
    expect(numbers(await received(bob, 4))).toEqual([1, 2, 3, 4]);
  });

  test('arrives together with others that are too long for one transaction', async () => {
    const bob = await two.user();
    const text = 'x'.repeat(60_000);
    await Promise.all(Array.from({ length: 20 }, (_, n) => send(alice, bob.userId, { [bob.deviceId]: { n, text } })));
    expect(new Set(numbers(await received(bob, 20)))).toEqual(new Set(Array.from({ length: 20 }, (_, n) => n)));
  });
});

test('a transaction that was not accepted is repeated with the same id and content', async () => {
  const answers: PeerAnswer[] = [
    [502, {}],
    [200, { pdus: {} }],
  ];
  const peer = await startPeer(() => answers.shift() ?? [200, { pdus: {} }]);
  const server = await startServer({ config: FEDERATING });
  const alice = await server.user();
  await send(alice, `@bob:${peer.name}`, { DEVICE: { n: 1 } });
  await expect.poll(() => peer.received.length, { timeout: 10_000 }).toBe(2);
  const [first, second] = peer.received;
  expect(second).toMatchObject({ path: first?.path, body: first?.body });
  expect(JSON.parse(first?.body ?? '')).toMatchObject({
    origin: 'hearth.test',
    pdus: [],
    edus: [
      {
        edu_type: 'm.direct_to_device',
        content: {
          sender: alice.userId,
          type: 'm.test',
          message_id: expect.stringMatching(/^\w{32}$/),
          messages: { [`@bob:${peer.name}`]: { DEVICE: { n: 1 } } },
        },
      },
    ],
  });
  await expect.poll(() => server.look('SELECT num FROM outgoing_edus')).toEqual([]);
  await Promise.all([server.close(), peer.close()]);
  expect(server.faults).toEqual([]);
});

describe.each(TEST_ENGINES)('a transaction of another server on $name', ({ postgres }) => {
  let server: TestServer;
  let peer: Peer;
  let bob: TestUser;
  beforeAll(async () => {
    [server, peer] = [await startServer({ postgres, config: FEDERATING }), await startPeer()];
    bob = await server.user();
  });
  afterAll(async () => {
    await Promise.all([server.close(), peer.close()]);
    expect(server.faults).toEqual([]);
  });

  const put = (body: JsonObject, txn = `t${++transactions}`, by: Peer = peer) => {
    const path = `/_matrix/federation/v1/send/${txn}`;
    return request({ server }, 'PUT', path, { body, headers: by.sign('hearth.test', 'PUT', path, body) });
  };
  const message = (n: number, more: JsonObject = {}): JsonObject => ({
    edu_type: 'm.direct_to_device',
    content: {
      sender: `@alice:${peer.name}`,
      type: 'm.test',
      message_id: `id${n}`,
      messages: { [bob.userId]: { [bob.deviceId]: { n } } },
      ...more,
    },
  });

  test('delivers each message once, also if transactions repeat it in parallel', async () => {
    const edus = [message(1), message(2), message(1)];
    const replies = await Promise.all([put({ pdus: [], edus }, 'a'), put({ pdus: [], edus }, 'b'), put({ edus }, 'a')]);
    expect(replies.map(({ status, json }) => [status, json])).toEqual(replies.map(() => [200, { pdus: {} }]));
    await put({ edus: [message(3), message(2)] });
    expect(numbers(await received(bob, 3)).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    const other = await startPeer();
    await put({ edus: [message(4, { sender: `@alice:${other.name}`, message_id: 'id1' })] }, 'c', other);
    expect(numbers(await received(bob, 1))).toContain(4);
    await other.close();
  });

  test('ignores messages in the name of users of other servers, and malformed and unknown EDUs', async () => {
    const edus = [
      message(10, { sender: '@alice:elsewhere.test' }),
      message(11, { sender: bob.userId }),
      message(12, { message_id: 5 }),
      message(13, { message_id: 'x'.repeat(256) }),
      message(14, { type: null }),
      message(15, { messages: { [bob.userId]: [] } }),
      message(16, { messages: { [bob.userId]: { [bob.deviceId]: 'text' } } }),
      message(17, { messages: { [bob.userId]: { [bob.deviceId]: { text: 'x'.repeat(70_000) } } } }),
      message(18, { messages: { '@nobody:elsewhere.test': { D: {} }, nonsense: { D: {} } } }),
      { edu_type: 'm.unknown', content: {} },
      { edu_type: 'm.direct_to_device' },
      'text',
      null,
      message(19),
    ];
    expect(await put({ edus })).toMatchObject({ status: 200 });
    expect(numbers(await received(bob, 1)).filter((n) => n >= 10)).toEqual([19]);
  });

  test('is refused if it has too many EDUs or PDUs, or is not signed', async () => {
    expect(await put({ edus: Array.from({ length: 101 }, (_, i) => message(1000 + i)) })).toMatchObject({
      status: 400,
      json: { errcode: 'M_BAD_JSON' },
    });
    expect(await put({ pdus: Array.from({ length: 51 }, () => ({})) })).toMatchObject({ status: 400 });
    const path = '/_matrix/federation/v1/send/unsigned';
    expect(await request({ server }, 'PUT', path, { body: { edus: [message(2000)] } })).toMatchObject({ status: 401 });
    expect(await server.look("SELECT message_id FROM received_messages WHERE message_id LIKE 'id1000'")).toEqual([]);
  });
});
