import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

const VERSION = '10';

let server: FederatingServer;
let remote: RemoteServer;
let alice: TestUser;
/** Answers requests for the paths after `/_matrix/federation/`. */
let answer: (path: string, body: string) => readonly [number, JsonObject] = () => [404, {}];
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.89');
  const peer = await startPeer(({ path, body }) => answer(path.replace('/_matrix/federation/', ''), body));
  remote = new RemoteServer(peer, server);
  alice = await server.user('alice');
});
afterAll(async () => {
  expect(server.faults).toEqual([]);
  await Promise.all([server.close(), remote.peer.close()]);
});

/** A room of the peer with its state. */
interface PeerRoom {
  readonly roomId: string;
  readonly state: readonly SignedMember[];
  /** Signs an event that follows another. */
  after(previous: SignedMember | undefined, event: JsonObject): SignedMember;
  /** Signs a chain of messages that begins after the state. */
  branch(bodies: readonly string[]): SignedMember[];
}

let count = 0;

/** Creates a room on the peer. */
function createRoom(): PeerRoom {
  count += 1;
  const [sender, room_id] = [remote.user('bob'), `!room${count}:${remote.peer.name}`];
  const state: SignedMember[] = [];
  const authIds = () => state.filter(({ pdu }) => pdu.type !== 'm.room.join_rules').map(({ eventId }) => eventId);
  const after = (previous: SignedMember | undefined, event: JsonObject): SignedMember => {
    const depth = (previous?.pdu.depth ?? 0) + 1;
    const prev_events = previous === undefined ? [] : [previous.eventId];
    const members = { sender, room_id, depth, origin_server_ts: depth, auth_events: authIds(), prev_events };
    return remote.sign(VERSION, { ...members, ...event } as unknown as PduDraft);
  };
  const setState = (type: string, state_key: string, content: JsonObject) =>
    state.push(after(state.at(-1), { type, state_key, content }));
  setState('m.room.create', '', { creator: sender, room_version: VERSION });
  setState('m.room.member', sender, { membership: 'join' });
  setState('m.room.power_levels', '', { users: { [sender]: 100 } });
  setState('m.room.join_rules', '', { join_rule: 'public' });
  const branch = (bodies: readonly string[]) => {
    const messages: SignedMember[] = [];
    for (const body of bodies) {
      const content = { msgtype: 'm.text', body };
      messages.push(after(messages.at(-1) ?? state.at(-1), { type: 'm.room.message', content }));
    }
    return messages;
  };
  return { roomId: room_id, state, after, branch };
}

/**
 * Joins a room of the peer after the ends of some branches. The peer then answers each request for history with as many
 * events of each branch as a page has. Returns the names of the requests.
 * @param current the state at the join
 */
async function join(
  { roomId, state }: PeerRoom,
  branches: readonly (readonly SignedMember[])[],
  pageLength: number,
  current = state,
): Promise<string[]> {
  const requests: string[] = [];
  const pdus = current.map(({ pdu }) => pdu);
  const template = {
    type: 'm.room.member',
    room_id: roomId,
    sender: alice.userId,
    state_key: alice.userId,
    content: { membership: 'join' },
    auth_events: [0, 2, 3].map((i) => state[i]?.eventId ?? ''),
    prev_events: branches.flatMap((branch) => branch.at(-1)?.eventId ?? []),
    depth: 100,
    origin_server_ts: 100,
  };
  const upTo = (eventId: string) =>
    branches.flatMap((branch) => {
      const at = branch.findIndex((message) => message.eventId === eventId) + 1;
      return branch.slice(Math.max(0, at - pageLength), at).map(({ pdu }) => pdu);
    });
  answer = (path, body) => {
    if (path.includes('/make_join/')) return [200, { room_version: VERSION, event: template }];
    if (path.includes('/send_join/'))
      return [200, { origin: remote.peer.name, state: pdus, auth_chain: pdus, event: JSON.parse(body) as JsonObject }];
    if (path.includes('/send/')) return [200, { pdus: {} }];
    requests.push(path.split('/')[1] ?? '');
    const ids = new URL(path, 'https://peer/').searchParams.getAll('v');
    if (path.includes('/backfill/')) return [200, { pdus: ids.flatMap(upTo) }];
    if (path.includes('/state_ids/'))
      return [200, { pdu_ids: state.map(({ eventId }) => eventId), auth_chain_ids: [] }];
    return [404, { errcode: 'M_NOT_FOUND' }];
  };
  const query = { server_name: remote.peer.name };
  expect((await alice.request('POST', pathOf('join', roomId), { query, body: {} })).status).toBe(200);
  requests.length = 0;
  return requests;
}

/** Returns the events of a room, the latest first, read in pages of two events. */
async function eventsIn(roomId: string) {
  const events = [];
  let from: string | undefined;
  for (let page = 0; page < 10; page += 1) {
    const { chunk, end } = await alice.messages(roomId, { dir: 'b', limit: 2, ...(from !== undefined && { from }) });
    events.push(...chunk);
    if (end === undefined) break;
    from = end;
  }
  return events;
}

/** Returns the bodies of the messages of a room, the latest first. */
const bodiesIn = async (roomId: string) =>
  (await eventsIn(roomId)).flatMap(({ content: { body } }) => (typeof body === 'string' ? [body] : []));

test('branches of history that arrive in small pages are stored, one before the other', async () => {
  const room = createRoom();
  await join(room, [room.branch(['a1', 'a2', 'a3']), room.branch(['b1', 'b2', 'b3'])], 1);
  const bodies = await bodiesIn(room.roomId);
  expect(bodies).toHaveLength(6);
  for (const name of ['a', 'b'])
    expect(bodies.filter((body) => body.startsWith(name))).toEqual([`${name}3`, `${name}2`, `${name}1`]);
});

test('a chain of messages is stored without requests for the states before them', async () => {
  const room = createRoom();
  const requests = await join(room, [room.branch(['a', 'b', 'c', 'd', 'e'])], 2);
  expect(await bodiesIn(room.roomId)).toEqual(['e', 'd', 'c', 'b', 'a']);
  expect(new Set(requests)).toEqual(new Set(['backfill']));
});

test('the state before messages is another one before a state event among them', async () => {
  const room = createRoom();
  const old = room.branch(['old']);
  const joined = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } };
  const visibility = room.after(old.at(-1), joined);
  const hidden = room.after(visibility, { type: 'm.room.message', content: { msgtype: 'm.text', body: 'hidden' } });
  const requests = await join(room, [[...old, visibility, hidden]], 10, [...room.state, visibility]);
  expect(await bodiesIn(room.roomId)).toEqual(['old']);
  expect(requests).toContain('state_ids');
});

test('a late event from before the join changes no state and is shown once', async () => {
  const room = createRoom();
  const name = (previous: SignedMember | undefined, text: string, origin_server_ts: number) =>
    room.after(previous, { type: 'm.room.name', state_key: '', content: { name: text }, origin_server_ts });
  // The old name has the later time, so that a resolution of both states would choose it.
  const old = name(room.state.at(-1), 'old', 90);
  const current = name(old, 'current', 80);
  const last = room.after(current, { type: 'm.room.message', content: { msgtype: 'm.text', body: 'last' } });
  await join(room, [[old, current, last]], 1, [...room.state, current]);
  const body = { origin: remote.peer.name, origin_server_ts: 1, pdus: [old.pdu] };
  await remote.call('PUT', '/v1/send/late', { body });
  const path = pathOf('rooms', room.roomId, 'event', old.eventId);
  await expect.poll(async () => (await alice.request('GET', path)).status).toBe(200);
  expect(await alice.get(pathOf('rooms', room.roomId, 'state', 'm.room.name', ''))).toEqual({ name: 'current' });
  const { json } = await remote.make('join', room.roomId, remote.user('carol'));
  expect((json.event as JsonObject).prev_events).toHaveLength(1);
  const names = (await eventsIn(room.roomId)).filter(({ type }) => type === 'm.room.name');
  expect(names.map(({ content }) => content.name)).toEqual(['old', 'current']);
});

test('edits, reactions and redactions that arrive before the messages of history to which they refer take effect', async () => {
  const room = createRoom();
  const messages = room.branch(['edited', 'liked', 'answered', 'removed', 'last']);
  const [edited, liked, answered, removed] = messages.map(({ eventId }) => eventId);
  await join(room, [messages], 2);
  const path = pathOf('rooms', room.roomId, 'state', 'm.room.member', alice.userId);
  const joined = await alice.get<{ event_id: string }>(path, { format: 'event' });
  const relating = (rel_type: string, event_id: string | undefined, content: JsonObject) => ({
    ...content,
    'm.relates_to': { rel_type, event_id: event_id ?? '' },
  });
  const later = [
    {
      type: 'm.room.message',
      content: relating('m.replace', edited, { body: '* new', 'm.new_content': { body: 'new', msgtype: 'm.text' } }),
    },
    { type: 'm.reaction', content: relating('m.annotation', liked, {}) },
    { type: 'm.room.message', content: relating('m.thread', answered, { body: 'reply', msgtype: 'm.text' }) },
    { type: 'm.room.redaction', content: {}, redacts: removed ?? '' },
  ];
  const chain: SignedMember[] = [];
  const entry = { eventId: joined.event_id, pdu: { depth: 100 } } as SignedMember;
  for (const event of later) chain.push(room.after(chain.at(-1) ?? entry, event));
  const body = { origin: remote.peer.name, origin_server_ts: 1, pdus: chain.map(({ pdu }) => pdu) };
  await remote.call('PUT', '/v1/send/early', { body });
  const last = pathOf('rooms', room.roomId, 'event', chain.at(-1)?.eventId ?? '');
  await expect.poll(async () => (await alice.request('GET', last)).status).toBe(200);
  expect((await bodiesIn(room.roomId)).filter((text) => text === 'removed')).toEqual([]);
  const { chunk } = await alice.messages(room.roomId, { limit: 50 });
  const found = (eventId: string | undefined) => chunk.find((event) => event.event_id === eventId);
  expect(found(edited)?.unsigned?.['m.relations']).toMatchObject({ 'm.replace': { content: { body: '* new' } } });
  expect(found(answered)?.unsigned?.['m.relations']).toMatchObject({ 'm.thread': { count: 1 } });
  expect(found(removed)).toMatchObject({ content: {}, unsigned: { redacted_because: { type: 'm.room.redaction' } } });
  const related = await alice.get<{ chunk: JsonObject[] }>(
    `/_matrix/client/v1${pathOf('rooms', room.roomId, 'relations', liked ?? '')}`,
  );
  expect(related.chunk.map(({ type }) => type)).toEqual(['m.reaction']);
  expect(await server.look('SELECT child FROM early_relations UNION SELECT redaction FROM early_redactions')).toEqual(
    [],
  );
});
