import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { signPdu } from '../../packages/protocol/src/signing/pdu.ts';
import { pathOf } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { HOSTILE_KINDS, type HostileRoom, hostilePdu, INVALID, REFUSED } from '../support/hostile-pdus.ts';
import { type PeerAnswer, type ReceivedRequest, startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

/** The time in which an honest event is accepted, whatever other servers have sent. */
const HONEST_MS = 2_000;

/** The memory that this process, with the server in it, may need more because of hostile events, in bytes. */
const MEMORY_MAX = 400 * 1024 * 1024;

let server: FederatingServer;
let honest: RemoteServer;
let alice: TestUser;
const peers: RemoteServer[] = [];
const begin = async (answer?: (request: ReceivedRequest) => PeerAnswer) => {
  const remote = new RemoteServer(await startPeer(answer ?? (() => [200, { pdus: {} }])), server);
  peers.push(remote);
  return remote;
};
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.84');
  honest = await begin();
  alice = await server.user('alice');
});
afterEach(() => expect(server.faults).toEqual([]));
afterAll(async () => {
  await server.close();
  await Promise.all(peers.map(({ peer }) => peer.close()));
});

let count = 0;
const createRoom = async (version: string) =>
  (await alice.post<{ room_id: string }>('/createRoom', { preset: 'public_chat', room_version: version })).room_id;

/** Returns the members of an event of a user that follows the room's last event. */
async function placeOf(remote: RemoteServer, roomId: string, userId: string): Promise<PduDraft> {
  const {
    state_key: _,
    type: _type,
    content: _content,
    ...place
  } = (await remote.make('leave', roomId, userId)).json.event as JsonObject;
  return place as unknown as PduDraft;
}

/** Sends a transaction, whose answer has to be a standard one. Returns the results. */
async function send(by: RemoteServer, pdus: JsonValue[]): Promise<Record<string, { error?: string }>> {
  count += 1;
  const body = { origin: by.peer.name, origin_server_ts: 1, pdus, edus: [] };
  const { status, json } = await by.request('PUT', `/v1/send/t${count}`, { body });
  expect([status, Object.keys(json)]).toEqual([200, ['pdus']]);
  const results = json.pdus as Record<string, { error?: string }>;
  for (const result of Object.values(results)) expect(['undefined', 'string']).toContain(typeof result.error);
  return results;
}

const isStored = async (roomId: string, eventId: string) =>
  (await alice.request('GET', pathOf('rooms', roomId, 'event', eventId))).status === 200;

/** Sends an event of a server that keeps to the rules. Returns it when clients see it. */
async function expectHonestEvent(by: RemoteServer, roomId: string, version: string, userId: string) {
  count += 1;
  const place = await placeOf(by, roomId, userId);
  const content = { msgtype: 'm.text', body: `honest ${count}` };
  const { eventId, pdu } = by.sign(version, { ...place, type: 'm.room.message', content });
  expect(await send(by, [pdu])).toEqual({ [eventId]: {} });
  await expect.poll(() => isStored(roomId, eventId), { timeout: HONEST_MS, interval: 20 }).toBe(true);
  return pdu;
}

/** Checks that no stored event is invalid, and that the rules permit the accepted ones. */
async function expectOnlyValid() {
  const rows = await server.look<{ standing: number; content: string }>('SELECT standing, content FROM events');
  expect(rows.filter(({ content }) => content.includes(INVALID))).toEqual([]);
  expect(rows.filter(({ standing, content }) => standing === 0 && content.includes(REFUSED))).toEqual([]);
  const types = await server.look("SELECT text FROM names WHERE text LIKE '%invalid-event%'");
  expect(types).toEqual([]);
}

describe.each(['1', '3', '6', '10', '11', '12'])('a room of version %s', (version) => {
  test('contains only what the rules accept, whatever a server in it sends', async () => {
    const dice = new Dice(Number(version));
    const remote = await begin(() => [404, { errcode: 'M_NOT_FOUND' }]);
    const [roomId, other] = [await createRoom(version), await createRoom(version)];
    const [mallory, dora] = [remote.user('mallory'), honest.user('dora')];
    await remote.join(roomId, mallory);
    await honest.join(roomId, dora);
    await honest.join(other, dora);
    const accepted = [await expectHonestEvent(remote, roomId, version, mallory)];
    const target = await alice.send(roomId, 'a message of alice');
    const stateBefore = await alice.get(pathOf('rooms', roomId, 'state'));
    const room: HostileRoom = {
      version,
      roomId,
      mallory,
      alice: alice.userId,
      place: await placeOf(remote, roomId, mallory),
      otherPlace: await placeOf(honest, other, dora),
      accepted,
    };
    for (let round = 0; round < 8; round += 1) {
      const pdus = HOSTILE_KINDS.map((kind) => hostilePdu(kind, room, remote, dice));
      await send(remote, pdus);
    }
    await expectHonestEvent(honest, roomId, version, dora);
    await expectHonestEvent(remote, roomId, version, mallory);
    await expectOnlyValid();
    expect(await alice.get(pathOf('rooms', roomId, 'state'))).toEqual(stateBefore);
    const message = await alice.get<{ content: JsonObject }>(pathOf('rooms', roomId, 'event', target));
    expect(message.content.body).toBe('a message of alice');
  });
});

const unknownId = (dice: Dice) => `$${Buffer.from(dice.bytes(32)).toString('base64url')}`;
const VERSION = '10';

describe('events after events that their server does not answer', () => {
  /** Answers of a server that is asked for the events before an event, its auth events and the state before it. */
  const ANSWERS: Record<string, (own: readonly JsonObject[], others: readonly JsonObject[], dice: Dice) => PeerAnswer> =
    {
      nothing: () => () => undefined,
      'a refusal': () => [404, { errcode: 'M_NOT_FOUND' }],
      'a wrong error': () => [401, { errcode: 'M_UNKNOWN_TOKEN' }],
      'values of wrong types': (_own, _others, dice) => {
        const value = dice.pick<JsonValue>([null, 1, 'x', {}, [null, 1, 'x', {}, [[]]]]);
        return [200, { events: value, pdu_ids: value, auth_chain_ids: value, pdus: value, auth_chain: value }];
      },
      'no JSON': () => (response) => response.writeHead(200).end('<html>'),
      'an endless answer': () => (response) => {
        response.writeHead(200, { 'Content-Type': 'application/json' });
        const write = () => {
          if (!response.destroyed) response.write(`${' '.repeat(1024 * 1024)}`, () => setImmediate(write));
        };
        write();
      },
      'deep JSON': () => (response) => response.writeHead(200).end(`{"events":${'['.repeat(200_000)}`),
      'events of another room': (_own, others) => {
        const pdu_ids: JsonValue[] = [];
        return [200, { events: [...others], pdus: [...others], auth_chain: [...others], pdu_ids, auth_chain_ids: [] }];
      },
      'events that follow one another without an end': (own) => [
        200,
        { events: [...own], pdus: [...own], auth_chain: [...own] },
      ],
      '100,000 ids': (own, _others, dice) => {
        const pdu_ids = Array.from({ length: 100_000 }, () => unknownId(dice));
        return [200, { events: [...own], pdu_ids, auth_chain_ids: pdu_ids, pdus: [...own], auth_chain: [] }];
      },
    };

  let memoryBefore = 0;
  beforeAll(() => {
    memoryBefore = process.memoryUsage.rss();
  });
  afterAll(() => expect(process.memoryUsage.rss() - memoryBefore).toBeLessThan(MEMORY_MAX));

  test.each(Object.keys(ANSWERS))('do not delay those of other servers: %s', async (mode) => {
    const dice = new Dice(7);
    const own: JsonObject[] = [];
    const others: JsonObject[] = [];
    const remote = await begin(({ path }) => {
      if (path.includes('/send/')) return [200, { pdus: {} }];
      return ANSWERS[mode]?.(own, others, dice) ?? [404, {}];
    });
    const [roomId, other] = [await createRoom(VERSION), await createRoom(VERSION)];
    const [mallory, dora] = [remote.user('mallory'), honest.user('dora')];
    await remote.join(roomId, mallory);
    await honest.join(roomId, dora);
    await honest.join(other, dora);
    others.push(await expectHonestEvent(honest, other, VERSION, dora));
    const place = await placeOf(remote, roomId, mallory);
    const make = (changes: object) => {
      const content = { msgtype: 'm.text', body: REFUSED };
      return remote.sign(VERSION, { ...place, type: 'm.room.message', content, ...changes });
    };
    // A chain of hundreds of events whose beginning is unknown.
    let last = unknownId(dice);
    for (let i = 0; i < 200; i += 1) {
      const { eventId, pdu } = make({ prev_events: [last], depth: i });
      last = eventId;
      own.push(pdu);
    }
    const pdus = Array.from({ length: 40 }, () => make({ prev_events: [unknownId(dice)] }).pdu);
    pdus.push(make({ prev_events: [last] }).pdu, make({ prev_events: [last, unknownId(dice)] }).pdu);
    const auth_events = [...(place.auth_events as string[]), unknownId(dice)];
    pdus.push(make({ auth_events }).pdu);
    await send(remote, pdus);
    for (let i = 0; i < 3; i += 1) await expectHonestEvent(honest, roomId, VERSION, dora);
    await expectOnlyValid();
  });
});

test('a server that answers malformed missing events is asked once for each event that it sends', async () => {
  const asked: JsonValue[] = [];
  const malformed = { type: 'm.room.message', content: { price: 1.5 } };
  const remote = await begin(({ path, body }) => {
    if (path.includes('/send/')) return [200, { pdus: {} }];
    if (!path.includes('/get_missing_events/')) return [404, { errcode: 'M_NOT_FOUND' }];
    asked.push((JSON.parse(body) as JsonObject).latest_events ?? null);
    return [200, { events: [malformed] }];
  });
  const roomId = await createRoom(VERSION);
  const mallory = remote.user('mallory');
  await remote.join(roomId, mallory);
  const place = await placeOf(remote, roomId, mallory);
  const following = (prev: string) =>
    remote.sign(VERSION, { ...place, type: 'm.room.message', content: {}, prev_events: [prev] });
  const first = following(unknownId(new Dice(1)));
  const second = following(first.eventId);
  await send(remote, [first.pdu]);
  await send(remote, [second.pdu]);
  await expect.poll(() => asked.flat().includes(second.eventId), { timeout: HONEST_MS }).toBe(true);
  expect(asked).toEqual([[first.eventId], [second.eventId]]);
});

test('an event of the largest depth does not end its room', async () => {
  const remote = await begin(() => [404, { errcode: 'M_NOT_FOUND' }]);
  const roomId = await createRoom(VERSION);
  const [mallory, dora] = [remote.user('mallory'), honest.user('dora')];
  await remote.join(roomId, mallory);
  await honest.join(roomId, dora);
  const place = await placeOf(remote, roomId, mallory);
  const draft = { ...place, type: 'm.room.message', content: { body: 'deep' }, depth: Number.MAX_SAFE_INTEGER };
  const { eventId, pdu } = remote.sign(VERSION, draft);
  await send(remote, [pdu]);
  await expect.poll(() => isStored(roomId, eventId), { timeout: HONEST_MS }).toBe(true);
  expect(await isStored(roomId, await alice.send(roomId, 'text'))).toBe(true);
  await expectHonestEvent(honest, roomId, VERSION, dora);
});

test('events that name one another as auth events are refused', async () => {
  const roomId = await createRoom('1');
  const [mallory, dora] = ['mallory', 'dora'];
  const own: JsonObject[] = [];
  const remote = await begin(() => [200, { auth_chain: own, pdus: own, events: own }]);
  await remote.join(roomId, remote.user(mallory));
  await honest.join(roomId, honest.user(dora));
  const place = await placeOf(remote, roomId, remote.user(mallory));
  const ids = [0, 1, 2].map((i) => `$circle${i}:${remote.peer.name}`);
  const { version } = remote.sign('1', { ...place, type: 'm.room.message', content: {} });
  for (const [i, event_id] of ids.entries()) {
    const auth_events = [...(place.auth_events as JsonValue[]), [ids[(i + 1) % 3] ?? '', { sha256: 'AA' }]];
    const content = { body: INVALID };
    const draft = { ...place, type: 'm.room.message', content, event_id, auth_events } as PduDraft;
    own.push(signPdu(draft, version, remote.peer.name, remote.peer.key));
  }
  await send(remote, own);
  await expectHonestEvent(honest, roomId, '1', honest.user(dora));
  await expectOnlyValid();
});

test('a copy of an event with a wrong signature does not replace the event', async () => {
  const remote = await begin(() => [404, { errcode: 'M_NOT_FOUND' }]);
  const roomId = await createRoom(VERSION);
  const dora = honest.user('dora');
  await remote.join(roomId, remote.user('mallory'));
  await honest.join(roomId, dora);
  const place = await placeOf(honest, roomId, dora);
  const content = { msgtype: 'm.text', body: 'the event' };
  const { eventId, pdu } = honest.sign(VERSION, { ...place, type: 'm.room.message', content });
  const wrong = (keyId: string) => ({ ...pdu, signatures: { [honest.peer.name]: { [keyId]: 'AA' } } });
  await Promise.all([
    send(remote, [wrong('ed25519:unknown'), wrong(honest.peer.key.keyId)]),
    send(honest, [pdu]),
    send(remote, [wrong(honest.peer.key.keyId)]),
  ]);
  await expect.poll(() => isStored(roomId, eventId), { timeout: HONEST_MS }).toBe(true);
});

test('events of two rooms with the same id do not affect each other', async () => {
  const remote = await begin(() => [404, { errcode: 'M_NOT_FOUND' }]);
  const rooms = [await createRoom('1'), await createRoom('1')];
  const mallory = remote.user('mallory');
  let event_id: string | undefined;
  for (const roomId of rooms) {
    await remote.join(roomId, mallory);
    const place = await placeOf(remote, roomId, mallory);
    const draft = { ...place, type: 'm.room.message', content: { msgtype: 'm.text', body: roomId } } as PduDraft;
    const rules = remote.sign('1', draft);
    event_id ??= rules.eventId;
    const pdu = signPdu({ ...draft, event_id }, rules.version, remote.peer.name, remote.peer.key);
    await send(remote, [pdu]);
    await expectHonestEvent(remote, roomId, '1', mallory);
  }
  const [first = '', second = ''] = rooms;
  expect(await isStored(first, event_id ?? '')).toBe(true);
  expect(await isStored(second, event_id ?? '')).toBe(false);
});
