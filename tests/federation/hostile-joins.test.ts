import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu, PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf, type TestReply } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

const VERSION = '10';
/** A text in events that are not valid, so that no stored event may contain it. */
const INVALID = 'invalid-event';
/** The memory that this process, with the server in it, may need more because of hostile answers, in bytes. */
const MEMORY_MAX = 400 * 1024 * 1024;

let server: FederatingServer;
let remote: RemoteServer;
let alice: TestUser;
/** Answers requests for the paths after `/_matrix/federation/`. */
let answer: (path: string, body: string) => readonly [number, JsonObject] = () => [404, {}];
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.85');
  const peer = await startPeer(({ path, body }) => answer(path.replace('/_matrix/federation/', ''), body));
  remote = new RemoteServer(peer, server);
  alice = await server.user('alice');
});
afterEach(() => expect(server.faults).toEqual([]));
afterAll(async () => {
  await server.close();
  await remote.peer.close();
});

/** A room of the hostile server, as it may be joined. */
interface Resident {
  readonly roomId: string;
  readonly state: SignedMember[];
  readonly template: JsonObject;
}

let count = 0;

/** Creates a room on the peer. */
function createRoom(content: JsonObject = {}): Resident {
  count += 1;
  const [sender, roomId] = [remote.user('bob'), `!room${count}:${remote.peer.name}`];
  const state: SignedMember[] = [];
  const add = (type: string, state_key: string, given: JsonObject) => {
    const previous = state.at(-1);
    const event = { type, state_key, sender, room_id: roomId, content: given, origin_server_ts: count };
    const auth_events = state.filter(({ pdu }) => pdu.type !== 'm.room.join_rules').map(({ eventId }) => eventId);
    const prev_events = previous === undefined ? [] : [previous.eventId];
    state.push(remote.sign(VERSION, { ...event, auth_events, prev_events, depth: state.length + 1 }));
  };
  add('m.room.create', '', { creator: sender, room_version: VERSION, ...content });
  add('m.room.member', sender, { membership: 'join' });
  add('m.room.power_levels', '', { users: { [sender]: 100 } });
  add('m.room.join_rules', '', { join_rule: 'public' });
  const auth = state.filter(({ pdu }) => pdu.type !== 'm.room.member').map(({ eventId }) => eventId);
  const template = {
    type: 'm.room.member',
    room_id: roomId,
    sender: alice.userId,
    state_key: alice.userId,
    content: { membership: 'join' },
    auth_events: auth,
    prev_events: [state.at(-1)?.eventId ?? ''],
    depth: 5,
    origin_server_ts: 1,
  };
  return { roomId, state, template };
}

/** Joins a room by the hostile server, whose answers are changed. */
async function join(
  room: Resident,
  changes: { readonly make?: (given: JsonObject) => JsonObject; readonly send?: (given: JsonObject) => JsonObject },
): Promise<TestReply> {
  const pdus = room.state.map(({ pdu }) => pdu);
  answer = (path, body) => {
    if (path.includes('/make_join/')) {
      const given = { room_version: VERSION, event: room.template };
      return [200, changes.make?.(given) ?? given];
    }
    if (path.includes('/send_join/')) {
      const given = { origin: remote.peer.name, state: pdus, auth_chain: pdus, event: JSON.parse(body) as JsonObject };
      return [200, changes.send?.(given) ?? given];
    }
    return path.includes('/send/') ? [200, { pdus: {} }] : [404, { errcode: 'M_NOT_FOUND' }];
  };
  return alice.request('POST', pathOf('join', room.roomId), { query: { server_name: remote.peer.name }, body: {} });
}

const changedEvent = (members: JsonObject) => (given: JsonObject) => ({
  ...given,
  event: { ...(given.event as JsonObject), ...members },
});
/** Returns a signed event of a user of the hostile server. */
const eventOf = (room: Resident, changes: JsonObject): Pdu => {
  const { sender, auth_events } = room.state[3]?.pdu ?? ({} as Pdu);
  const draft = {
    ...room.template,
    sender,
    auth_events,
    content: { name: INVALID },
    type: 'm.room.name',
    state_key: '',
  };
  return remote.sign(VERSION, { ...draft, ...changes } as unknown as PduDraft).pdu;
};
const without = (type: string) => (given: JsonObject) => {
  const keep = (list: JsonValue | undefined) => (list as Pdu[]).filter((pdu) => pdu.type !== type);
  return { ...given, state: keep(given.state), auth_chain: keep(given.auth_chain) };
};

describe('a server through which a user joins a room', () => {
  let memoryBefore = 0;
  beforeAll(() => {
    memoryBefore = process.memoryUsage.rss();
  });
  afterAll(() => expect(process.memoryUsage.rss() - memoryBefore).toBeLessThan(MEMORY_MAX));

  const isJoined = async (roomId: string) =>
    (await alice.get<{ joined_rooms: string[] }>('/joined_rooms')).joined_rooms.includes(roomId);

  const REFUSED: Record<string, (room: Resident) => Parameters<typeof join>[1]> = {
    'a template of another room': () => ({ make: changedEvent({ room_id: '!other:third.test' }) }),
    'a template of another user': () => ({ make: changedEvent({ sender: '@carol:third.test' }) }),
    'a template of a ban': () => ({ make: changedEvent({ content: { membership: 'ban' } }) }),
    'a template of another type': () => ({ make: changedEvent({ type: 'm.room.power_levels', state_key: '' }) }),
    'a template with odd references': () => ({ make: changedEvent({ auth_events: 7, prev_events: [{}, null] }) }),
    'a template with 10,000 references': ({ state }) => ({
      make: changedEvent({ prev_events: Array.from({ length: 10_000 }, () => state[0]?.eventId ?? '') }),
    }),
    'a template with a negative depth': () => ({ make: changedEvent({ depth: -5 }) }),
    'no template': () => ({ make: () => ({}) }),
    'an unknown room version': () => ({ make: (given) => ({ ...given, room_version: '\0' }) }),
    'another room version': () => ({ make: (given) => ({ ...given, room_version: '12' }) }),
    'no state': () => ({ send: () => ({}) }),
    'state of wrong types': () => ({ send: () => ({ state: [null, 1, 'x', [], {}], auth_chain: { x: 1 } }) }),
    'no create event': () => ({ send: without('m.room.create') }),
    'no join rules': () => ({ send: without('m.room.join_rules') }),
    'the state of another room': () => {
      const other = createRoom().state.map(({ pdu }) => pdu);
      return { send: (given) => ({ ...given, state: other, auth_chain: other }) };
    },
    'events without signatures': () => ({
      send: (given) => {
        const pdus = (given.state as Pdu[]).map((pdu) => ({ ...pdu, signatures: {} }));
        return { ...given, state: pdus, auth_chain: pdus };
      },
    }),
    'a ban of the user': (room) => ({
      send: (given) => {
        const content = { membership: 'ban' };
        const ban = eventOf(room, { type: 'm.room.member', state_key: alice.userId, content });
        return { ...given, state: [...(given.state as Pdu[]), ban] };
      },
    }),
  };

  test.each(Object.keys(REFUSED))('is refused when it answers %s', async (mode) => {
    const room = createRoom();
    const { status, json } = await join(room, REFUSED[mode]?.(room) ?? {});
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).not.toBe(500);
    expect(json.errcode).toMatch(/^M_/);
    expect(await isJoined(room.roomId)).toBe(false);
    // The room can be joined when the server answers correctly.
    expect([mode, (await join(room, {})).status]).toEqual([mode, 200]);
  });

  test('cannot add events that are not valid to the state', async () => {
    const room = createRoom();
    const carol = '@carol:third.test';
    const [first] = room.state;
    const bad: JsonValue[] = [null, 'x', {}, eventOf(room, { sender: carol }), eventOf(room, { depth: -1 })];
    bad.push(eventOf(room, { room_id: '!other:third.test' }), eventOf(room, { auth_events: ['$unknown'] }));
    bad.push({ ...eventOf(room, {}), signatures: { 'third.test': { 'ed25519:1': 'AA' } } });
    for (let i = 0; i < 20_000; i += 1)
      bad.push({ ...first?.pdu, type: INVALID, content: { i, INVALID }, hashes: { sha256: `${i}` }, auth_events: [] });
    const add = (list: JsonValue | undefined) => [...bad, ...(list as JsonValue[])];
    const send = (given: JsonObject) => ({ ...given, state: add(given.state), auth_chain: add(given.auth_chain) });
    expect((await join(room, { send })).status).toBe(200);
    const stored = await server.look<{ id: number }>(
      `SELECT num FROM events WHERE content LIKE '%${INVALID}%' UNION SELECT num FROM names WHERE text = '${INVALID}'`,
    );
    expect(stored).toEqual([]);
    const state = JSON.parse((await alice.request('GET', pathOf('rooms', room.roomId, 'state'))).text) as unknown[];
    expect(state).toHaveLength(room.state.length + 1);
  });

  test('cannot give a room the settings of an old room that has no tombstone', async () => {
    const { room_id: old } = await alice.post<{ room_id: string }>('/createRoom', { preset: 'private_chat' });
    await alice.put(pathOf('user', alice.userId, 'rooms', old, 'tags', 'm.favourite'), { order: 0.5 });
    const room = createRoom({ predecessor: { room_id: old, event_id: '$x' } });
    expect((await join(room, {})).status).toBe(200);
    await alice.send(room.roomId, 'text');
    const tags = await alice.get(pathOf('user', alice.userId, 'rooms', room.roomId, 'tags'));
    expect(tags).toEqual({ tags: {} });
  });
});

test('history that is not valid is not shown, and requests for it are answered', async () => {
  const room = createRoom();
  expect((await join(room, {})).status).toBe(200);
  const others = createRoom().state.map(({ pdu }) => pdu);
  const late = eventOf(room, { type: 'm.room.message', content: { body: INVALID }, state_key: 'x' });
  const unsigned = room.state.map(({ pdu }) => ({ ...pdu, signatures: {} }));
  const lists: JsonValue[] = [null, 7, {}, [null, 1, [], {}], others, [late], unsigned];
  lists.push(Array.from({ length: 5_000 }, (_, i) => ({ ...late, depth: i })));
  for (const pdus of lists) {
    answer = (path) =>
      path.includes('/send/') ? [200, { pdus: {} }] : [200, { pdus, auth_chain: pdus, pdu_ids: pdus }];
    const { status, text } = await alice.request('GET', pathOf('rooms', room.roomId, 'messages'), {
      query: { dir: 'b', limit: '50' },
    });
    expect([status, text.includes(INVALID)]).toEqual([200, false]);
    const eventId = await alice.send(room.roomId, 'text');
    expect((await alice.request('GET', pathOf('rooms', room.roomId, 'event', eventId))).status).toBe(200);
  }
});

test('M_UNKNOWN_TOKEN of another server does not reach a client', async () => {
  answer = () => [401, { errcode: 'M_UNKNOWN_TOKEN', error: 'gone', soft_logout: true }];
  const { name } = remote.peer;
  const [roomId, bob] = [`!unknown:${name}`, remote.user('bob')];
  const query = { server_name: name, via: name };
  const devices = { [bob]: [] };
  const replies = await Promise.all([
    alice.request('POST', pathOf('join', roomId), { query, body: {} }),
    alice.request('POST', pathOf('knock', roomId), { query, body: {} }),
    alice.request('POST', pathOf('join', `#alias:${name}`), { body: {} }),
    alice.request('GET', pathOf('directory', 'room', `#alias:${name}`)),
    alice.request('GET', '/publicRooms', { query: { server: name } }),
    alice.request('POST', '/publicRooms', { query: { server: name }, body: {} }),
    alice.request('GET', pathOf('profile', bob)),
    alice.request('POST', '/keys/query', { body: { device_keys: devices } }),
    alice.request('POST', '/keys/claim', { body: { one_time_keys: { [bob]: { X: 'signed_curve25519' } } } }),
    alice.request('GET', `/_matrix/client/v1${pathOf('rooms', roomId, 'hierarchy')}`),
    alice.request('GET', `/_matrix/client/v1${pathOf('room_summary', roomId)}`, { query: { via: name } }),
    alice.request('GET', `/_matrix/client/v1${pathOf('media', 'download', name, 'abc')}`),
    alice.request('GET', `/_matrix/client/v1${pathOf('media', 'thumbnail', name, 'abc')}`, {
      query: { width: '32', height: '32' },
    }),
    alice
      .post<{ room_id: string }>('/createRoom', {})
      .then(({ room_id }) => alice.request('POST', pathOf('rooms', room_id, 'invite'), { body: { user_id: bob } })),
  ]);
  const relayed = replies.filter(
    ({ status, text }) => status === 401 || status === 500 || text.includes('M_UNKNOWN_TOKEN'),
  );
  expect(relayed.map(({ status, text }) => [status, text])).toEqual([]);
  // Each operation has asked the other server.
  const asked = remote.peer.received.filter(({ path }) => path.startsWith('/_matrix/federation/v'));
  expect(asked.length).toBeGreaterThanOrEqual(replies.length);
});
