import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

const VERSION = '10';
/** A text in events that are not valid, so that no stored event may contain it. */
const INVALID = 'invalid-event';
const UNSTABLE = '/unstable/org.matrix.msc2444';

let server: FederatingServer;
let remote: RemoteServer;
let stranger: RemoteServer;
let alice: TestUser;
/** Answers the requests of the server under test. */
let answer: (method: string, path: string) => readonly [number, JsonObject] = () => [404, {}];
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.86');
  remote = new RemoteServer(await startPeer(({ method, path }) => answer(method, path)), server);
  stranger = new RemoteServer(await startPeer(), server);
  alice = await server.user('alice');
});
afterEach(() => expect(server.faults).toEqual([]));
afterAll(async () => {
  await server.close();
  await remote.peer.close();
  await stranger.peer.close();
});

let count = 0;

/** A world-readable room of the peer. */
class Room {
  readonly roomId: string;
  readonly events: SignedMember[] = [];
  readonly #sender = remote.user('bob');

  constructor() {
    count += 1;
    this.roomId = `!room${count}:${remote.peer.name}`;
    this.add('m.room.create', '', { creator: this.#sender, room_version: VERSION });
    this.add('m.room.member', this.#sender, { membership: 'join' });
    this.add('m.room.power_levels', '', { users: { [this.#sender]: 100 } });
    this.add('m.room.history_visibility', '', { history_visibility: 'world_readable' });
  }

  /** Adds an event after the last one. */
  add(type: string, stateKey: string | undefined, content: JsonObject): SignedMember {
    const previous = this.events.at(-1);
    const auth = this.events.filter(({ pdu }) =>
      ['m.room.create', 'm.room.member', 'm.room.power_levels'].includes(pdu.type),
    );
    const event = { type, sender: this.#sender, room_id: this.roomId, content, origin_server_ts: count };
    const added = remote.sign(VERSION, {
      ...event,
      ...(stateKey !== undefined && { state_key: stateKey }),
      auth_events: auth.map(({ eventId }) => eventId),
      prev_events: previous === undefined ? [] : [previous.eventId],
      depth: this.events.length + 1,
    });
    this.events.push(added);
    return added;
  }

  /** The answer to a peek. */
  get answer(): JsonObject {
    const ids = this.events.flatMap(({ pdu, eventId }) => (pdu.state_key === undefined ? [] : [eventId]));
    return {
      latest_event_state_ids: { [this.events.at(-1)?.eventId ?? '']: [] },
      common_state_ids: ids,
      events: this.events.map(({ pdu }) => pdu),
      renewal_interval: 3_600_000,
    };
  }
}

/** Reads a room of the peer, whose answer to the peek is changed. */
async function read(room: Room, change: (given: JsonObject) => JsonObject = (given) => given) {
  answer = (method, path) => {
    if (!path.includes('msc2444')) return [404, { errcode: 'M_NOT_FOUND' }];
    return [200, method === 'PUT' ? change(room.answer) : {}];
  };
  const path = pathOf('rooms', room.roomId, 'initialSync');
  // Another list of servers is tried although the last attempt has failed.
  count += 1;
  return alice.request('GET', path, { query: { via: [remote.peer.name, `other${count}.test`] } });
}

const ended = (roomId: string) =>
  remote.peer.received.filter(({ method, path }) => method === 'DELETE' && path.includes(encodeURIComponent(roomId)));
const stored = () =>
  server.look<{ num: number }>(
    `SELECT num FROM events WHERE content LIKE '%${INVALID}%' UNION SELECT num FROM names WHERE text = '${INVALID}'`,
  );

describe('a server that answers a peek', () => {
  const first = (given: JsonObject) => Object.keys(given.latest_event_state_ids as JsonObject)[0] ?? '';
  const pdus = (given: JsonObject) => given.events as unknown as Pdu[];
  const REFUSED: Record<string, (given: JsonObject) => JsonObject> = {
    nothing: () => ({}),
    'values of wrong types': () => ({ latest_event_state_ids: [1], common_state_ids: 'x', events: { a: 1 } }),
    'no latest event': (given) => ({ ...given, latest_event_state_ids: {} }),
    'a latest event that it does not send': (given) => ({ ...given, latest_event_state_ids: { $unknown: [] } }),
    'no create event': (given) => ({ ...given, events: pdus(given).slice(1) }),
    'an unknown room version': (given) => ({
      ...given,
      events: pdus(given).map((pdu) => ({ ...pdu, content: { ...pdu.content, room_version: '\0' } })),
    }),
    'state that it does not send': (given) => ({ ...given, common_state_ids: ['$unknown'] }),
    'a state without the latest event': (given) => ({
      ...given,
      common_state_ids: (given.common_state_ids as string[]).filter((eventId) => eventId !== first(given)),
    }),
    'events without signatures': (given) => ({
      ...given,
      events: pdus(given).map((pdu) => ({ ...pdu, signatures: {} })),
    }),
    'the events of another room': (given) => ({ ...given, events: new Room().answer.events ?? [] }),
    '100 latest events': (given) => ({
      ...given,
      latest_event_state_ids: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`$unknown${i}`, []])),
    }),
  };

  test.each(Object.keys(REFUSED))('with %s is not believed', async (mode) => {
    const room = new Room();
    const { status, json } = await read(room, REFUSED[mode]);
    expect([status, json.errcode]).toEqual([403, 'M_FORBIDDEN']);
    await expect.poll(() => ended(room.roomId).length).toBe(1);
    // The room is read when the server answers correctly.
    expect((await read(room)).status).toBe(200);
  });

  test('cannot add events that are not valid', async () => {
    const room = new Room();
    const other = room.add('m.room.topic', '', { topic: 'valid' });
    const forged = { ...other.pdu, sender: `@carol:third.test`, content: { topic: INVALID } };
    const bad: JsonValue[] = [null, 1, 'x', [], {}, forged];
    for (let i = 0; i < 5_000; i += 1) bad.push({ ...other.pdu, content: { i, INVALID }, signatures: {} });
    const { status, json } = await read(room, (given) => ({ ...given, events: [...bad, ...(given.events as [])] }));
    expect(status).toBe(200);
    expect((json.state as unknown[]).length).toBe(room.events.length);
    expect(await stored()).toEqual([]);
  });

  test('sends further events, and no other server does', async () => {
    const room = new Room();
    const { messages } = (await read(room)).json as { messages: { end: string } };
    const deliver = (by: RemoteServer, { pdu }: SignedMember, more: JsonObject = {}) => {
      count += 1;
      const body = { origin: by.peer.name, origin_server_ts: 1, pdus: [pdu], ...more };
      return by.call('PUT', `/v1/send/t${count}`, { body });
    };
    const message = room.add('m.room.message', undefined, { msgtype: 'm.text', body: 'first' });
    const refused = await deliver(stranger, message);
    expect(refused.pdus).toEqual({ [message.eventId]: { error: 'This server is not in the room' } });
    await deliver(remote, message);
    const { chunk } = await alice.events({ room_id: room.roomId, from: messages.end, timeout: 5_000 });
    expect(chunk.map(({ content }) => content.body)).toEqual(['first']);
    // Only the server of the peek ends it.
    await deliver(stranger, message, { expired_peeks: [{ room_id: room.roomId, peek_id: 'x' }] });
    const begun = () => remote.peer.received.filter(({ method, path }) => method === 'PUT' && path.includes('msc2444'));
    const before = begun().length;
    await deliver(remote, message, { expired_peeks: [{ room_id: room.roomId, peek_id: 'x' }] });
    await expect.poll(() => begun().length).toBe(before + 1);
  });

  test('is not asked about a room of this server', async () => {
    const roomId = await alice.createRoom();
    const before = remote.peer.received.length;
    const outside = await server.user();
    const query = { via: remote.peer.name };
    const { status } = await outside.request('GET', pathOf('rooms', roomId, 'initialSync'), { query });
    expect([status, remote.peer.received.length]).toEqual([403, before]);
  });
});

describe('a server that peeks into a room', () => {
  const open = {
    preset: 'public_chat',
    room_version: '11',
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
    ],
  };
  const peek = (roomId: string, peekId = 'p', ver: string | string[] = ['10', '11']) =>
    stranger.request('PUT', `${UNSTABLE}${pathOf('peek', roomId, peekId)}`, { query: { ver }, body: {} });
  const result = ({ status, json }: { status: number; json: JsonObject }) => [status, json.errcode];

  test('gets the state after the latest events with all auth events', async () => {
    const roomId = await alice.createRoom(open);
    const last = await alice.send(roomId, 'last');
    const { status, json } = await peek(roomId);
    expect(status).toBe(200);
    expect([json.latest_event_state_ids, json.renewal_interval]).toEqual([{ [last]: [] }, 3_600_000]);
    const state = JSON.parse((await alice.request('GET', pathOf('rooms', roomId, 'state'))).text) as JsonObject[];
    const ids = state.map(({ event_id: eventId }) => eventId as string);
    expect((json.common_state_ids as string[]).toSorted()).toEqual(ids.toSorted());
    expect((json.events as JsonValue[]).length).toBe(ids.length + 1);
  });

  test('is refused for odd ids, unknown and closed rooms and other room versions', async () => {
    const roomId = await alice.createRoom(open);
    expect(result(await peek(roomId, 'too-long-id'))).toEqual([400, 'M_UNRECOGNIZED']);
    expect(result(await peek(roomId, 'a b'))).toEqual([400, 'M_UNRECOGNIZED']);
    expect(result(await peek(`!unknown:${server.name}`))).toEqual([404, 'M_NOT_FOUND']);
    expect(result(await peek(await alice.createRoom()))).toEqual([403, 'M_FORBIDDEN']);
    expect(result(await peek(roomId, 'p', '1'))).toEqual([400, 'M_INCOMPATIBLE_ROOM_VERSION']);
  });

  test('renews and ends only its own peeks', async () => {
    const roomId = await alice.createRoom(open);
    await peek(roomId, 'mine');
    const renew = (by: RemoteServer, peekId: string) =>
      by.request('POST', `${UNSTABLE}${pathOf('peek', roomId, peekId, 'renew')}`, { body: {} });
    const end = (by: RemoteServer, peekId: string) =>
      by.request('DELETE', `${UNSTABLE}${pathOf('peek', roomId, peekId)}`);
    expect((await renew(stranger, 'mine')).json).toEqual({ renewal_interval: 3_600_000 });
    expect(result(await renew(stranger, 'other'))).toEqual([404, 'M_NOT_FOUND']);
    expect(result(await renew(remote, 'mine'))).toEqual([404, 'M_NOT_FOUND']);
    expect(result(await end(remote, 'mine'))).toEqual([404, 'M_NOT_FOUND']);
    expect((await end(stranger, 'mine')).json).toEqual({});
    expect(result(await end(stranger, 'mine'))).toEqual([404, 'M_NOT_FOUND']);
  });

  test('reads only what is world-readable', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' });
    const hidden = await alice.send(roomId, 'hidden');
    await alice.setState(roomId, 'm.room.history_visibility', { history_visibility: 'world_readable' });
    const shown = await alice.send(roomId, 'shown');
    const get = (path: string, query: Record<string, string> = {}) => stranger.request('GET', `/v1${path}`, { query });
    const missing = (latest: string) => {
      const body = { latest_events: [latest], earliest_events: [], limit: 20 };
      return stranger.request('POST', `/v1${pathOf('get_missing_events', roomId)}`, { body });
    };
    for (const reply of [
      await get(pathOf('event', shown)),
      await get(pathOf('backfill', roomId), { v: shown, limit: '50' }),
      await get(pathOf('state_ids', roomId), { event_id: shown }),
      await get(pathOf('state', roomId), { event_id: shown }),
      await get(pathOf('event_auth', roomId, shown)),
      await missing(shown),
    ]) {
      expect(reply.status).toBe(200);
      expect(reply.text).not.toContain('"hidden"');
    }
    for (const reply of [
      await get(pathOf('event', hidden)),
      await get(pathOf('backfill', roomId), { v: hidden, limit: '50' }),
      await get(pathOf('state_ids', roomId), { event_id: hidden }),
      await get(pathOf('state', roomId), { event_id: hidden }),
      await get(pathOf('event_auth', roomId, hidden)),
      await missing(hidden),
    ])
      expect(result(reply)).toEqual([403, 'M_FORBIDDEN']);
  });
});
