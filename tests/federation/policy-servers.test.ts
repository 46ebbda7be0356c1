import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu, PduDraft } from '../../packages/protocol/src/events/event.ts';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { type RoomVersion, roomVersion } from '../../packages/protocol/src/room-versions/rules.ts';
import { signingKeyFromSeed } from '../../packages/protocol/src/signing/ed25519.ts';
import { countersignPdu, verifyPduSignature } from '../../packages/protocol/src/signing/pdu.ts';
import { POLICY_SERVER_KEY_ID } from '../../packages/protocol/src/signing/policy-server.ts';
import { pathOf, request, type TestReply } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { type PeerAnswer, startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

const SIGN = '/_matrix/policy/v1/sign';
const KEY = signingKeyFromSeed(new Uint8Array(32).fill(77), POLICY_SERVER_KEY_ID);
const OTHER_KEY = signingKeyFromSeed(new Uint8Array(32).fill(78), POLICY_SERVER_KEY_ID);
const SPAM = { errcode: 'M_FORBIDDEN', error: 'The message appears to contain possible spam' };

/** Decides on an event; undefined if the policy server signs it. */
type Decision = (pdu: Pdu) => PeerAnswer | undefined;
const signsAll: Decision = () => undefined;

let server: FederatingServer;
let alice: TestUser;
let policy: RemoteServer;
let decide: Decision = signsAll;
let count = 0;
let version: RoomVersion;
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.85');
  alice = await server.user('alice');
  const peer = await startPeer(({ path, body }) => {
    if (path !== SIGN) return [200, { pdus: {} }];
    const pdu = JSON.parse(body) as Pdu;
    return decide(pdu) ?? [200, signatureOf(pdu)];
  });
  policy = new RemoteServer(peer, server);
});
afterEach(() => {
  decide = signsAll;
  expect(server.faults).toEqual([]);
});
afterAll(async () => {
  await server.close();
  await policy.peer.close();
});

/** Returns the answer of the policy server. */
function signatureOf(pdu: Pdu, key = KEY): JsonObject {
  const { name } = policy.peer;
  const { signatures } = countersignPdu({ ...pdu, signatures: {} }, version, name, key);
  return { [name]: signatures[name] ?? {} };
}

/** Returns the events that the policy server was asked to sign since the last call. */
function asked(): Pdu[] {
  const { received } = policy.peer;
  const events = received.filter(({ path }) => path === SIGN).map(({ body }) => JSON.parse(body) as Pdu);
  received.length = 0;
  return events;
}

/** Creates a room of a version that uses the policy server. */
async function createRoom(id = '10'): Promise<string> {
  version = roomVersion(id) as RoomVersion;
  const { room_id: room } = await alice.post<{ room_id: string }>('/createRoom', {
    preset: 'public_chat',
    room_version: id,
  });
  await policy.join(room, policy.user('bot'));
  await alice.setState(room, 'm.room.policy', { via: policy.peer.name, public_keys: { ed25519: KEY.publicKey } });
  asked();
  return room;
}

/** Returns an event in the form in which other servers get it. */
async function pduOf(eventId: string): Promise<Pdu> {
  const { pdus } = (await policy.call('GET', `/v1${pathOf('event', eventId)}`)) as unknown as { pdus: [Pdu] };
  return pdus[0];
}

const isSignedByPolicy = (pdu: Pdu) =>
  verifyPduSignature(pdu, version, policy.peer.name, POLICY_SERVER_KEY_ID, KEY.publicKey);

function trySending(room: string, body: string, txnId?: string): Promise<TestReply> {
  count += 1;
  const path = pathOf('rooms', room, 'send', 'm.room.message', txnId ?? `policy${count}`);
  return alice.request('PUT', path, { rawBody: JSON.stringify({ msgtype: 'm.text', body }) });
}

const bodiesIn = async (room: string) =>
  (await alice.messages(room, { limit: 50 })).chunk.map(({ content }) => content.body);

describe('events of this server', () => {
  test.each(['1', '3', '10', '11', '12'])('are signed by the policy server of a room of version %s', async (id) => {
    const room = await createRoom(id);
    const sent = [
      await alice.send(room, 'a message'),
      await alice.setState(room, 'm.room.topic', { topic: 'a topic' }),
      await alice.setState(room, 'm.room.policy', {}, 'not empty'),
      await alice.setState(room, 'm.room.power_levels', { users: { [alice.userId]: 100 }, invite: 1 }).catch(() => ''),
    ].filter((eventId) => eventId !== '');
    const pdus = await Promise.all(sent.map(pduOf));
    expect(pdus.map(isSignedByPolicy)).toEqual(sent.map(() => true));
    expect(pdus.every(({ signatures }) => signatures[server.name] !== undefined)).toBe(true);
    expect(asked().map(({ content }) => content)).toEqual(pdus.map(({ content }) => content));
    await alice.redact(room, sent[0] ?? '');
    expect(isSignedByPolicy(await pduOf(sent[0] ?? ''))).toBe(true);
  });

  test('are refused with the error of the policy server, and can be sent again', async () => {
    const room = await createRoom();
    decide = ({ content }) => (content.body === 'spam' ? [400, SPAM] : undefined);
    const refused = await trySending(room, 'spam', 'again');
    expect([refused.status, refused.json]).toEqual([400, SPAM]);
    expect((await trySending(room, 'no spam')).status).toBe(200);
    decide = signsAll;
    expect((await trySending(room, 'spam', 'again')).status).toBe(200);
    expect(await bodiesIn(room)).toEqual(expect.arrayContaining(['spam', 'no spam']));
  });

  test('are refused before the policy server is asked when the rules do not permit them', async () => {
    const room = await createRoom();
    const bob = await server.user('bob');
    await bob.join(room);
    asked();
    const topic = JSON.stringify({ topic: 'of bob' });
    const path = pathOf('rooms', room, 'state', 'm.room.topic', '');
    expect((await bob.request('PUT', path, { rawBody: topic })).status).toBe(403);
    expect(asked()).toEqual([]);
  });

  test.each<[string, PeerAnswer, [number, string]]>([
    ['about a session', [401, { errcode: 'M_UNKNOWN_TOKEN', error: 'no' }], [403, 'M_FORBIDDEN']],
    ['without a code', [403, {}], [403, 'M_FORBIDDEN']],
    ['about too many requests', [429, { errcode: 'M_LIMIT_EXCEEDED', error: 'slow' }], [429, 'M_LIMIT_EXCEEDED']],
    ['of an unknown room', [404, { errcode: 'M_NOT_FOUND', error: 'no' }], [404, 'M_NOT_FOUND']],
    ['that is empty', [200, {}], [403, 'M_FORBIDDEN']],
  ])('are not sent after an answer %s', async (_, answer, expected) => {
    const room = await createRoom();
    decide = () => answer;
    const { status, json } = await trySending(room, 'a message');
    expect([status, json.errcode]).toEqual(expected);
    expect(await bodiesIn(room)).not.toContain('a message');
  });

  test('are not sent with a signature by another key', async () => {
    const room = await createRoom();
    decide = (pdu) => [200, signatureOf(pdu, OTHER_KEY)];
    expect((await trySending(room, 'a message')).status).toBe(403);
  });

  test('are all signed and linear when they are sent at the same time', async () => {
    const room = await createRoom();
    const replies = await Promise.all(Array.from({ length: 12 }, (_, i) => trySending(room, `message ${i}`)));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
    const pdus = await Promise.all(replies.map(({ json }) => pduOf(asString(json.event_id) ?? '')));
    expect(pdus.every(isSignedByPolicy)).toBe(true);
    expect(new Set(pdus.map(({ depth }) => depth)).size).toBe(12);
    expect(asked()).toHaveLength(12);
  });

  test('are refused with 429 when too many wait for the policy server', async () => {
    const room = await createRoom();
    const waiting: (() => void)[] = [];
    decide = (pdu) => (response) => {
      waiting.push(() => response.writeHead(200).end(JSON.stringify(signatureOf(pdu))));
    };
    let refused = 0;
    const sending = Array.from({ length: 110 }, async (_, i) => {
      const { status } = await trySending(room, `message ${i}`);
      if (status === 429) refused += 1;
      return status;
    });
    await expect.poll(() => refused).toBe(9);
    decide = signsAll;
    waiting[0]?.();
    const statuses = await Promise.all(sending);
    expect(statuses.filter((status) => status === 200)).toHaveLength(101);
  });

  test('follow the events that other servers send while the policy server decides', async () => {
    const room = await createRoom();
    let others = 0;
    const arrive = async () => {
      const { pdu } = policy.sign('10', { ...(await placeOf(room)), ...message(`other ${others}`) });
      await sendTransaction([countersignPdu(pdu, version, policy.peer.name, KEY)]);
    };
    const release = Promise.withResolvers<void>();
    decide = (pdu) => {
      if (pdu.content.body !== 'late' || others > 0) return undefined;
      others += 1;
      return (response) => {
        void release.promise.then(() => response.writeHead(200).end(JSON.stringify(signatureOf(pdu))));
      };
    };
    const sending = trySending(room, 'late');
    await expect.poll(() => others).toBe(1);
    await arrive();
    await expect.poll(() => bodiesIn(room)).toContain('other 1');
    release.resolve();
    const { status, json } = await sending;
    expect(status).toBe(200);
    expect(isSignedByPolicy(await pduOf(asString(json.event_id) ?? ''))).toBe(true);
    expect((await bodiesIn(room)).slice(0, 2)).toEqual(['late', 'other 1']);
  });

  test('close a room that is upgraded', async () => {
    const room = await createRoom();
    const { replacement_room: next } = await alice.post<{ replacement_room: string }>(
      pathOf('rooms', room, 'upgrade'),
      { new_version: '12' },
    );
    expect(asked().map(({ type }) => type)).toContain('m.room.tombstone');
    expect(await alice.get(pathOf('rooms', room, 'state', 'm.room.tombstone', ''))).toMatchObject({
      replacement_room: next,
    });
  });

  test.each<[string, (room: string) => Promise<unknown>]>([
    ['removed from the state', (room) => alice.setState(room, 'm.room.policy', {})],
    ['not in the room any more', (room) => alice.post(pathOf('rooms', room, 'kick'), { user_id: policy.user('bot') })],
  ])('need no signature when the policy server is %s', async (_, remove) => {
    const room = await createRoom();
    await remove(room);
    decide = () => [400, SPAM];
    expect((await trySending(room, 'a message')).status).toBe(200);
    expect(asked().map(({ content }) => content.body)).not.toContain('a message');
  });
});

const message = (body: string) => ({ type: 'm.room.message', content: { msgtype: 'm.text', body } });

/** Returns the members of an event that follows the last event of a room. */
async function placeOf(room: string): Promise<PduDraft> {
  const { json } = await policy.make('leave', room, policy.user('bot'));
  const { state_key: _, ...place } = json.event as JsonObject;
  return place as unknown as PduDraft;
}

async function sendTransaction(pdus: Pdu[]): Promise<void> {
  count += 1;
  const body = { origin: policy.peer.name, origin_server_ts: 1, pdus, edus: [] };
  await policy.call('PUT', `/v1/send/policy${count}`, { body });
}

describe('events of other servers', () => {
  const receive = async (room: string, body: string, key?: typeof KEY) => {
    const { eventId, pdu } = policy.sign('10', { ...(await placeOf(room)), ...message(body) });
    await sendTransaction([key === undefined ? pdu : countersignPdu(pdu, version, policy.peer.name, key)]);
    return eventId;
  };

  test('are accepted with the signature of the policy server, which is not asked', async () => {
    const room = await createRoom();
    decide = () => [400, SPAM];
    const eventId = await receive(room, 'signed', KEY);
    await expect.poll(() => bodiesIn(room)).toContain('signed');
    expect(isSignedByPolicy(await pduOf(eventId))).toBe(true);
    expect(asked()).toEqual([]);
  });

  test.each<[string, typeof KEY | undefined]>([
    ['no signature', undefined],
    ['a signature by an older key', OTHER_KEY],
  ])('are signed by the policy server on receipt when they have %s', async (_, key) => {
    const room = await createRoom();
    const eventId = await receive(room, 'unsigned', key);
    await expect.poll(() => bodiesIn(room)).toContain('unsigned');
    const pdu = await pduOf(eventId);
    expect(isSignedByPolicy(pdu)).toBe(true);
    // The signature of the sender's server, which has the same name, stays.
    expect(Object.keys(pdu.signatures[policy.peer.name] ?? {})).toHaveLength(2);
  });

  test('are soft-failed when the policy server refuses them', async () => {
    const room = await createRoom();
    decide = ({ content }) => (content.body === 'spam' ? [400, SPAM] : undefined);
    await receive(room, 'spam');
    await receive(room, 'no spam');
    await expect.poll(() => bodiesIn(room)).toContain('no spam');
    expect(await bodiesIn(room)).not.toContain('spam');
  });

  test('are not accepted as joins when the policy server refuses them', async () => {
    const room = await createRoom();
    decide = () => [400, SPAM];
    const member = await policy.signed('join', room, policy.user('spammer'));
    expect((await policy.send('join', room, member)).status).toBe(403);
    const members = await alice.get<{ joined: JsonObject }>(pathOf('rooms', room, 'joined_members'));
    expect(Object.keys(members.joined)).not.toContain(policy.user('spammer'));
  });
});

test('this server is no policy server', async () => {
  const { status, json } = await request({ server }, 'POST', SIGN, { rawBody: '{}' });
  expect([status, json.errcode]).toEqual([404, 'M_UNRECOGNIZED']);
});
