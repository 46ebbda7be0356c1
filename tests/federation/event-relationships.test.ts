import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu, PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { ClientEvent, TestUser } from '../support/user.ts';

const CLIENT_PATH = '/_matrix/client/unstable/event_relationships';
const SERVER_PATH = '/unstable/event_relationships';
const VERSION = '10';

interface Relationships {
  readonly events: (ClientEvent & { readonly unsigned: { readonly children: JsonObject } })[];
  readonly limited: boolean;
}

/** Asks for the events to which an event is related. Returns the bodies and the numbers of children. */
async function around(user: TestUser, body: JsonObject) {
  const { events, limited } = await user.post<Relationships>(CLIENT_PATH, body);
  const bodies = events.map(({ content }) => content.body);
  return { bodies, limited, children: events.map(({ unsigned }) => unsigned.children['m.reference'] ?? 0) };
}

const replyTo = (event_id: string | undefined, body: string): JsonObject => ({
  msgtype: 'm.text',
  body,
  ...(event_id !== undefined && { 'm.relationship': { rel_type: 'm.reference', event_id } }),
});

describe('event relationships between two servers (MSC2836)', () => {
  let first: FederatingServer;
  let second: FederatingServer;
  let remote: RemoteServer;
  let stranger: RemoteServer;
  let alice: TestUser;
  let bob: TestUser;
  beforeAll(async () => {
    [first, second] = await Promise.all([startFederatingServer('127.0.0.2'), startFederatingServer('127.0.0.3')]);
    remote = new RemoteServer(await startPeer(() => [200, {}]), first);
    stranger = new RemoteServer(await startPeer(), first);
    [alice, bob] = [await first.user('alice'), await second.user('bob')];
  });
  afterEach(() => expect([...first.faults, ...second.faults]).toEqual([]));
  afterAll(() => Promise.all([first.close(), second.close(), remote.peer.close(), stranger.peer.close()]));

  /** A thread that `bob` has not seen: `a` has the child `b`, which has the children `c` and `d`. */
  const thread = async () => {
    const room = await alice.createRoom();
    const a = await alice.send(room, replyTo(undefined, 'a'));
    const b = await alice.send(room, replyTo(a, 'b'));
    return { room, a, b, c: await alice.send(room, replyTo(b, 'c')), d: await alice.send(room, replyTo(b, 'd')) };
  };
  const join = async (room: string) => {
    const reply = await bob.request('POST', pathOf('join', room), { query: { server_name: first.name }, body: {} });
    expect([reply.status, reply.json]).toEqual([200, { room_id: room }]);
  };

  test('a server fetches the events of a thread from before it joined', async () => {
    const { room, b, d } = await thread();
    await join(room);
    const about = { event_id: d, room_id: room, include_parent: true };
    expect(await around(bob, about)).toEqual({ bodies: ['d', 'b'], limited: false, children: [0, 2] });
    const below = { event_id: b, include_parent: true, recent_first: false };
    expect(await around(bob, below)).toEqual({ bodies: ['b', 'a', 'c', 'd'], limited: false, children: [2, 1, 0, 0] });
  });

  test('a server fetches as many pages of history as lead to an event', async () => {
    const { room, a } = await thread();
    for (let i = 0; i < 25; i += 1)
      await Promise.all(Array.from({ length: 10 }, (_, j) => alice.send(room, `message ${i} ${j}`)));
    await join(room);
    expect((await around(bob, { event_id: a, room_id: room, max_depth: 1 })).bodies).toEqual(['a', 'b']);
  });

  test('an event that no server in the room has is not found', async () => {
    const { room } = await thread();
    await join(room);
    const unknown = { event_id: `$${'x'.repeat(43)}`, room_id: room };
    const { status, json } = await bob.request('POST', CLIENT_PATH, { body: unknown });
    expect([status, json.errcode]).toEqual([404, 'M_NOT_FOUND']);
  });

  test('a server in the room gets the events with their auth chain', async () => {
    const { room, b, c, d } = await thread();
    await remote.join(room, remote.user('carol'));
    const answer = await remote.call('POST', SERVER_PATH, { body: { event_id: b, limit: 3, include_parent: true } });
    const events = answer.events as Pdu[];
    expect(events.map(({ content }) => content.body)).toEqual(['b', 'a', 'd']);
    expect(events.map(({ unsigned }) => (unsigned as JsonObject).children)).toEqual([
      { 'm.reference': 2 },
      { 'm.reference': 1 },
      {},
    ]);
    expect(answer.limited).toBe(true);
    expect((answer.auth_chain as Pdu[]).map(({ type }) => type)).toContain('m.room.power_levels');
    for (const event_id of [c, d]) {
      const { status } = await stranger.request('POST', SERVER_PATH, { body: { event_id } });
      expect(status).toBe(403);
    }
  });

  test('a server gets no events that its users may not read', async () => {
    const { room, d } = await thread();
    await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' });
    const hidden = await alice.send(room, replyTo(d, 'hidden'));
    await remote.join(room, remote.user('carol'));
    const shown = await alice.send(room, replyTo(hidden, 'shown'));
    const answer = await remote.call('POST', SERVER_PATH, { body: { event_id: shown, direction: 'up' } });
    expect((answer.events as Pdu[]).map(({ content }) => content.body)).toEqual(['shown']);
    const { status } = await remote.request('POST', SERVER_PATH, { body: { event_id: hidden } });
    expect(status).toBe(404);
  });
});

describe('event relationships that a peer answers (MSC2836)', () => {
  let server: FederatingServer;
  let remote: RemoteServer;
  let alice: TestUser;
  /** Answers requests for the paths after `/_matrix/federation/`. */
  let answer: (path: string, body: string) => readonly [number, JsonObject] = () => [404, {}];
  beforeAll(async () => {
    server = await startFederatingServer('127.0.0.88');
    const peer = await startPeer(({ path, body }) => answer(path.replace('/_matrix/federation/', ''), body));
    remote = new RemoteServer(peer, server);
    alice = await server.user('alice');
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(() => Promise.all([server.close(), remote.peer.close()]));

  let count = 0;

  /** Creates a room on the peer with the messages `a`, `b`, `c` and `d`, each a reply to the one before. */
  const createRoom = () => {
    count += 1;
    const [sender, room_id] = [remote.user('bob'), `!room${count}:${remote.peer.name}`];
    const events: SignedMember[] = [];
    const add = (members: JsonObject): SignedMember => {
      const auth = events.filter(({ pdu }) => pdu.state_key !== undefined && pdu.type !== 'm.room.join_rules');
      const draft = {
        sender,
        room_id,
        origin_server_ts: events.length,
        depth: events.length + 1,
        auth_events: auth.map(({ eventId }) => eventId),
        prev_events: events.slice(-1).map(({ eventId }) => eventId),
        ...members,
      };
      const event = remote.sign(VERSION, draft as unknown as PduDraft);
      events.push(event);
      return event;
    };
    add({ type: 'm.room.create', state_key: '', content: { creator: sender, room_version: VERSION } });
    add({ type: 'm.room.member', state_key: sender, content: { membership: 'join' } });
    add({ type: 'm.room.power_levels', state_key: '', content: { users: { [sender]: 100 } } });
    add({ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public' } });
    const state = events.map(({ pdu }) => pdu);
    let parent: string | undefined;
    const messages = ['a', 'b', 'c', 'd'].map((body) => {
      const message = add({ type: 'm.room.message', content: replyTo(parent, body) });
      parent = message.eventId;
      return message;
    });
    const template = {
      type: 'm.room.member',
      room_id,
      sender: alice.userId,
      state_key: alice.userId,
      content: { membership: 'join' },
      auth_events: events.slice(0, 4).flatMap(({ eventId, pdu }) => (pdu.type === 'm.room.member' ? [] : [eventId])),
      prev_events: [parent ?? ''],
      depth: events.length + 1,
      origin_server_ts: events.length,
    };
    return { roomId: room_id, state, messages, template };
  };

  /** Joins a room of the peer, which then answers only requests for relationships, with the given events. */
  const joined = async (answered: (messages: readonly Pdu[]) => readonly Pdu[]) => {
    const { roomId, state, messages, template } = createRoom();
    const asked: string[] = [];
    answer = (path, body) => {
      if (path.includes('/make_join/')) return [200, { room_version: VERSION, event: template }];
      if (path.includes('/send_join/')) {
        const event = JSON.parse(body) as JsonObject;
        return [200, { origin: remote.peer.name, state, auth_chain: state, event }];
      }
      if (path.includes('/send/')) return [200, { pdus: {} }];
      asked.push(path.split('/')[1] ?? '');
      if (path !== SERVER_PATH.slice(1)) return [404, { errcode: 'M_NOT_FOUND' }];
      return [200, { events: answered(messages.map(({ pdu }) => pdu)) as Pdu[], limited: false, auth_chain: state }];
    };
    const query = { server_name: remote.peer.name };
    const { status } = await alice.request('POST', pathOf('join', roomId), { query, body: {} });
    expect(status).toBe(200);
    asked.length = 0;
    const [a = '', , , d = ''] = messages.map(({ eventId }) => eventId);
    return { roomId, a, d, asked };
  };

  test('events that lead to a gap are stored without further requests, because the states before them are known', async () => {
    const { roomId, a, d, asked } = await joined((messages) => messages.toReversed());
    const up = { event_id: d, room_id: roomId, direction: 'up' };
    expect((await around(alice, up)).bodies).toEqual(['d', 'c', 'b', 'a']);
    expect((await around(alice, { event_id: a })).bodies).toEqual(['a', 'b', 'c', 'd']);
    const { chunk } = await alice.messages(roomId, { dir: 'b', limit: 5 });
    expect(chunk.map(({ content }) => content.body ?? content.membership)).toEqual(['join', 'd', 'c', 'b', 'a']);
    expect(new Set(asked)).toEqual(new Set(['event_relationships', 'backfill']));
  });

  test('events of an answer with holes are not stored, and the history is requested', async () => {
    const { roomId, d, asked } = await joined(([first, , , last]) => [last, first].filter((pdu) => pdu !== undefined));
    const { status } = await alice.request('POST', CLIENT_PATH, { body: { event_id: d, room_id: roomId } });
    expect(status).toBe(404);
    expect(asked).toContain('backfill');
  });

  test.each([
    [
      'without a valid signature',
      (pdu: Pdu): Pdu => ({ ...pdu, signatures: { [remote.peer.name]: { [remote.peer.key.keyId]: 'AA' } } }),
    ],
    ['of another room', (pdu: Pdu): Pdu => ({ ...pdu, room_id: '!other:x' })],
  ])('events %s are not stored', async (_title, change) => {
    const { roomId, d } = await joined((messages) => messages.map(change));
    const { status } = await alice.request('POST', CLIENT_PATH, { body: { event_id: d, room_id: roomId } });
    expect(status).toBe(404);
  });

  test('an event that its auth events do not permit is not shown', async () => {
    const { roomId, d } = await joined(([first]) => {
      const { type, ...rest } = first ?? ({} as Pdu);
      return [remote.sign(VERSION, { ...rest, type, sender: remote.user('stranger') }).pdu];
    });
    const { status } = await alice.request('POST', CLIENT_PATH, { body: { event_id: d, room_id: roomId } });
    expect(status).toBe(404);
  });
});
