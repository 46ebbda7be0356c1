import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { registerAdmin } from '../support/admin.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { type PeerAnswer, type ReceivedRequest, startPeer } from '../support/peer.ts';
import { RemoteServer, type SignedMember } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

const VERSION = '10';
const LAZY = { filter: JSON.stringify({ room: { state: { lazy_load_members: true } } }) };

let server: FederatingServer;
let admin: TestUser;
let alice: TestUser;
let remote: RemoteServer;
let other: RemoteServer;
let room: ResidentRoom;
let count = 0;

/** A room of another server, whose state that server answers only when it is told to. */
class ResidentRoom {
  readonly roomId: string;
  readonly events: SignedMember[] = [];
  /** The paths of the requests for the state that wait for their answers, and these answers. */
  readonly waiting: ServerResponse[] = [];
  isReleased = false;
  /** The events that the server under test has sent. */
  readonly received: JsonObject[] = [];
  /** The number of the events at the time of the join. */
  #joinedAfter = 0;

  constructor() {
    count += 1;
    this.roomId = `!room${count}:${remote.peer.name}`;
    const bob = remote.user('bob');
    this.add({ type: 'm.room.create', state_key: '', content: { creator: bob, room_version: VERSION } });
    this.member('bob', 'join');
    const users = { [bob]: 100, [remote.user('eve')]: 100 };
    this.add({ type: 'm.room.power_levels', state_key: '', content: { users } });
    this.add({ type: 'm.room.join_rules', state_key: '', content: { join_rule: 'public' } });
    for (const name of ['carol', 'dave', 'eve']) this.member(name, 'join');
    this.member('eve', 'leave');
  }

  member(name: string, membership: string): SignedMember {
    const sender = remote.user(name);
    return this.add({ type: 'm.room.member', state_key: sender, content: { membership } }, sender);
  }

  /** Adds an event. @param auth the state from which its auth events are chosen; by default the current one */
  add(
    draft: { type: string; state_key?: string; content: JsonObject },
    sender = remote.user('bob'),
    auth = this.events,
  ) {
    const { type, state_key, content } = draft;
    const wanted = [
      'm.room.create ',
      'm.room.power_levels ',
      `m.room.member ${sender}`,
      ...(type === 'm.room.member' && content.membership === 'join' ? ['m.room.join_rules '] : []),
      ...(type === 'm.room.member' && state_key !== sender ? [`m.room.member ${state_key}`] : []),
    ];
    const state = this.stateOf(auth);
    const event = remote.sign(VERSION, {
      type,
      ...(state_key !== undefined && { state_key }),
      content,
      sender,
      room_id: this.roomId,
      auth_events: wanted.flatMap((key) => state.get(key)?.eventId ?? []),
      prev_events: this.events.slice(-1).map(({ eventId }) => eventId),
      depth: this.events.length + 1,
      origin_server_ts: Date.now(),
    });
    this.events.push(event);
    return event;
  }

  stateOf(events: readonly SignedMember[]): Map<string, SignedMember> {
    const state = events.filter(({ pdu }) => pdu.state_key !== undefined);
    return new Map(state.map((event) => [`${event.pdu.type} ${event.pdu.state_key}`, event]));
  }

  async send(event: SignedMember): Promise<void> {
    count += 1;
    await remote.call('PUT', `/v1/send/t${count}`, {
      body: { origin: remote.peer.name, origin_server_ts: 1, pdus: [event.pdu] },
    });
  }

  answer({ path, body }: ReceivedRequest): PeerAnswer | undefined {
    const [, , , name = ''] = path.replace('/_matrix/federation', '/x').split(/[/?]/);
    const atJoin = this.events.slice(0, this.#joinedAfter);
    const state = [...this.stateOf(atJoin).values()];
    switch (name) {
      case 'make_join': {
        const all = this.stateOf(this.events);
        const auth = ['m.room.create ', 'm.room.power_levels ', 'm.room.join_rules '];
        const event = {
          type: 'm.room.member',
          room_id: this.roomId,
          sender: alice.userId,
          state_key: alice.userId,
          content: { membership: 'join' },
          auth_events: auth.flatMap((key) => all.get(key)?.eventId ?? []),
          prev_events: this.events.slice(-1).map(({ eventId }) => eventId),
          depth: this.events.length + 1,
        };
        return [200, { room_version: VERSION, event }];
      }
      case 'send_join': {
        expect(path).toContain('omit_members=true');
        this.#joinedAfter = this.events.length;
        const critical = [...this.stateOf(this.events).values()].filter(({ pdu }) => pdu.type !== 'm.room.member');
        this.events.push({
          ...critical[0],
          eventId: decodeURIComponent(path.split(/[/?]/)[6] ?? ''),
          pdu: JSON.parse(body),
        } as SignedMember);
        return [
          200,
          {
            origin: remote.peer.name,
            members_omitted: true,
            servers_in_room: [remote.peer.name, other.peer.name, server.name],
            state: critical.map(({ pdu }) => pdu),
            auth_chain: this.events.slice(0, 2).map(({ pdu }) => pdu),
            event: JSON.parse(body) as JsonObject,
          },
        ];
      }
      case 'state_ids': {
        const ids = {
          pdu_ids: state.map(({ eventId }) => eventId),
          auth_chain_ids: atJoin.map(({ eventId }) => eventId),
        };
        if (this.isReleased) return [200, ids];
        return (response) => {
          this.waiting.push(response);
        };
      }
      case 'event': {
        const eventId = decodeURIComponent(path.split('/').at(-1) ?? '');
        const found = this.events.find((event) => event.eventId === eventId);
        return found === undefined ? [404, {}] : [200, { pdus: [found.pdu] }];
      }
      case 'event_auth':
        return [200, { auth_chain: this.events.map(({ pdu }) => pdu) }];
      case 'send':
        this.received.push(...((JSON.parse(body) as { pdus: JsonObject[] }).pdus ?? []));
        return [200, { pdus: {} }];
      default:
        return [404, { errcode: 'M_NOT_FOUND' }];
    }
  }

  /** Lets the server answer the state. */
  release(): void {
    this.isReleased = true;
    const request = { method: 'GET', path: '/_matrix/federation/v1/state_ids/', authorization: undefined, body: '' };
    const answer = this.answer(request);
    if (!Array.isArray(answer)) throw new Error('the state is not answered');
    for (const response of this.waiting.splice(0))
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer[1]));
  }
}

beforeAll(async () => {
  server = await startFederatingServer('127.0.0.94');
  remote = new RemoteServer(await startPeer((request) => room.answer(request) ?? [404, {}]), server);
  other = new RemoteServer(await startPeer(() => [200, { pdus: {} }]), server);
  admin = await registerAdmin(server, 'admin');
});
afterEach(() => expect(server.faults).toEqual([]));
afterAll(async () => {
  await server.close();
  await remote.peer.close();
  await other.peer.close();
});

/** Creates a room on the other server and lets a new user join it. */
async function joinRoom(): Promise<void> {
  alice = await server.user(`alice${count}`);
  room = new ResidentRoom();
  await alice.post(pathOf('join', room.roomId), {}, { server_name: remote.peer.name });
}

const joined = async (query: Record<string, string | number>) => {
  const reply = await alice.sync(query);
  return { reply, room: reply.rooms?.join?.[room.roomId] };
};
const members = async () =>
  (
    await alice.get<{ chunk: { state_key: string; content: { membership: string } }[] }>(
      pathOf('rooms', room.roomId, 'members'),
    )
  ).chunk
    .map(({ state_key, content }) => `${state_key} ${content.membership}`)
    .sort();
const expectedMembers = () =>
  [
    `${alice.userId} join`,
    ...['bob join', 'carol join', 'dave join', 'eve leave'].map((text) => {
      const [name = '', membership = ''] = text.split(' ');
      return `${remote.user(name)} ${membership}`;
    }),
  ].sort();
const partialState = () => admin.get(`/_synapse/admin/v1${pathOf('rooms', room.roomId, 'partial_state')}`);
const isSeen = async (eventId: string) =>
  (await alice.request('GET', pathOf('rooms', room.roomId, 'event', eventId))).status === 200;

test('a room is usable before its members are known, and whole afterwards', async () => {
  await joinRoom();
  const { reply, room: eager } = await joined({ timeout: 0 });
  expect(eager).toBeUndefined();
  const lazy = await joined({ timeout: 0, ...LAZY });
  expect(lazy.room?.timeline.events.map(({ type }) => type)).toEqual(['m.room.member']);
  await expect.poll(async () => (await partialState()).servers).toEqual([remote.peer.name, other.peer.name]);
  expect(await partialState()).toMatchObject({ is_partial: true, failed_attempts: 0, server: remote.peer.name });

  const listed = members();
  const waiting = joined({ timeout: 20_000, since: reply.next_batch });
  const sent = await alice.send(room.roomId, 'hello');
  await expect.poll(() => room.received.map(({ content }) => (content as JsonObject).body)).toContain('hello');
  const said = room.add({ type: 'm.room.message', content: { msgtype: 'm.text', body: 'hi' } }, remote.user('carol'));
  await room.send(said);
  await expect.poll(() => isSeen(said.eventId)).toBe(true);
  const next = await joined({ timeout: 0, since: lazy.reply.next_batch, ...LAZY });
  expect(next.room?.state.events.map(({ state_key }) => state_key)).toContain(remote.user('carol'));
  const outside = await other.make('join', room.roomId, other.user('zoe'));
  expect([outside.status, outside.json.errcode]).toEqual([404, 'M_NOT_FOUND']);
  const ids = await remote.request('GET', `/v1${pathOf('state_ids', room.roomId)}`, {
    query: { event_id: said.eventId },
  });
  expect(ids.status).toBe(403);

  room.release();
  expect(await listed).toEqual(expectedMembers());
  const whole = await waiting;
  expect(whole.room?.timeline.events.map(({ event_id }) => event_id)).toEqual(
    expect.arrayContaining([sent, said.eventId]),
  );
  const inState = whole.room?.state.events.filter(({ type }) => type === 'm.room.member');
  expect(inState?.map(({ state_key }) => state_key)).toEqual(
    expect.arrayContaining([remote.user('dave'), remote.user('eve')]),
  );
  expect(await partialState()).toEqual({ is_partial: false });
  const after = await remote.call('GET', `/v1${pathOf('state_ids', room.roomId)}`, {
    query: { event_id: said.eventId },
  });
  const state = room.stateOf(room.events.slice(0, -1));
  expect((after.pdu_ids as string[]).sort()).toEqual([...state.values()].map(({ eventId }) => eventId).sort());
});

test('events that cite an old membership are taken back, and those that they have hindered are shown', async () => {
  await joinRoom();
  const before = room.events.slice(0, 7);
  const topic = { type: 'm.room.topic', state_key: '', content: { topic: 'by eve' } };
  const bad = room.add(topic, remote.user('eve'), before);
  const kick = room.add(
    { type: 'm.room.member', state_key: remote.user('carol'), content: { membership: 'leave' } },
    remote.user('eve'),
    before,
  );
  const kicked = room.add({ type: 'm.room.message', content: { body: 'still here' } }, remote.user('carol'), before);
  for (const event of [bad, kick, kicked]) await room.send(event);
  await expect.poll(() => isSeen(kick.eventId)).toBe(true);
  expect(await isSeen(bad.eventId)).toBe(true);
  const { reply } = await joined({ timeout: 0, ...LAZY });

  room.release();
  expect(await members()).toEqual(expectedMembers());
  expect([await isSeen(bad.eventId), await isSeen(kick.eventId)]).toEqual([false, false]);
  await expect.poll(() => isSeen(kicked.eventId)).toBe(true);
  const state = await alice.request('GET', pathOf('rooms', room.roomId, 'state', 'm.room.topic'));
  expect(state.status).toBe(404);
  const { room: next } = await joined({ timeout: 0, since: reply.next_batch, ...LAZY });
  expect(next?.timeline.events.map(({ event_id }) => event_id)).toEqual([kicked.eventId]);
  const { chunk } = await alice.messages(room.roomId, { limit: 10 });
  expect(chunk.map(({ event_id }) => event_id)).not.toContain(bad.eventId);
});

test('a user may leave before the members are known, and come back', async () => {
  await joinRoom();
  await alice.leave(room.roomId);
  expect(await members()).toContain(`${alice.userId} leave`);
  await alice.post(pathOf('join', room.roomId), {}, { server_name: remote.peer.name });
  room.release();
  expect(await members()).toEqual(expectedMembers());
});
