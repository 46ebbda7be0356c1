import type { Pdu } from '@hearth/protocol/events/event.ts';
import { eventId } from '@hearth/protocol/events/hash.ts';
import { parsePdu } from '@hearth/protocol/events/shape.ts';
import { asArray, asStringArray, type JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openServing } from '../../src/compose/federation-serving.ts';
import { type Text, wholeText } from '../../src/platform/long-text.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { RemoteEvents } from '../support/remote-events.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

const PEER = 'peer.example';
const DENIED = 'denied.example';
const STRANGER = 'stranger.example';
const BOB = `@bob:${PEER}`;

describe.each(engines)('requests of other servers about rooms on $name', (engine) => {
  let world: World;
  let remote: RemoteEvents;
  let serving: ReturnType<typeof openServing>;
  let alice: Person;
  beforeAll(async () => {
    world = await openWorld(engine);
    remote = new RemoteEvents(world);
    serving = openServing(world, { names: world.names, rooms: world, users: world.users }, remote);
    alice = await world.person();
  });
  afterAll(() => world.end());

  const json = async (text: Promise<Text>) => JSON.parse(await wholeText(await text)) as JsonObject;
  const pdusIn = (answer: JsonObject, name = 'pdus') => (asArray(answer[name]) ?? []) as Pdu[];
  const idsIn = (head: Head, answer: JsonObject, name = 'pdus') =>
    pdusIn(answer, name).map((pdu) => eventId(pdu, head.version));
  const bodies = (answer: JsonObject, name = 'pdus') =>
    pdusIn(answer, name).flatMap(({ type, content }) =>
      type === 'm.room.message' ? [content.body ?? 'redacted'] : [],
    );

  /** A room with a user of another server. */
  const shared = async (room_version = '10'): Promise<Head> => {
    const head = await world.room(alice, { preset: 'public_chat', room_version });
    await remote.join(head, BOB);
    return head;
  };
  /** The requests for the state at an event and for its auth chain. */
  const statesAt = (head: Head, { eventId: id }: StoredEvent): (() => Promise<unknown>)[] => [
    () => serving.state.pdus(PEER, head.roomId, id),
    () => serving.state.ids(PEER, head.roomId, id),
    () => serving.state.authChain(PEER, head.roomId, id),
  ];
  /** The requests about a room and an event. */
  const requests = (server: string, roomId: string, event: string): [string, () => Promise<unknown>][] => [
    ['state', () => serving.state.pdus(server, roomId, event)],
    ['state_ids', () => serving.state.ids(server, roomId, event)],
    ['event_auth', () => serving.state.authChain(server, roomId, event)],
    ['backfill', () => serving.history.backfill(server, roomId, [event], 10)],
    [
      'missing',
      () => serving.history.missing(server, roomId, { latest: [event], earliest: [], limit: 10, minDepth: 0 }),
    ],
    ['closest', () => serving.events.closest(server, roomId, 0, 'f')],
  ];

  test('are refused for unknown rooms, and for servers that are not in the room or denied', async () => {
    const head = await shared();
    const event = await world.say(alice, head, 'text');
    await world.setState(alice, head, 'm.room.server_acl', { allow: ['*'], deny: [DENIED] });
    const cases: [string, string, StoredEvent, string][] = [
      [PEER, '!unknown:test.local', event, 'M_NOT_FOUND'],
      [STRANGER, head.roomId, event, 'M_FORBIDDEN'],
      [DENIED, head.roomId, event, 'M_FORBIDDEN'],
    ];
    for (const [server, roomId, about, errcode] of cases)
      for (const [name, ask] of requests(server, roomId, about.eventId))
        expect([server, roomId, name, await refusal(ask())]).toEqual([server, roomId, name, errcode]);
    expect(await refusal(serving.events.event(STRANGER, event.eventId))).toBe('M_FORBIDDEN');
    expect(await refusal(serving.events.event(PEER, '$unknown'))).toBe('M_NOT_FOUND');
  });

  test('are answered for servers in a room that this server has left, about events from before', async () => {
    const head = await shared();
    const before = await world.say(alice, head, 'text');
    await world.joining.leave(head, alice);
    for (const [name, ask] of requests(PEER, head.roomId, before.eventId))
      expect([name, await refusal(ask())]).toEqual([name, name === 'closest' ? 'M_NOT_FOUND' : 'no refusal']);
    for (const [name, ask] of requests(STRANGER, head.roomId, before.eventId))
      expect([name, await refusal(ask())]).toEqual([name, name === 'closest' ? 'M_NOT_FOUND' : 'M_FORBIDDEN']);
    expect(await refusal(serving.events.event(PEER, before.eventId))).toBe('no refusal');
    expect(await refusal(serving.events.event(STRANGER, before.eventId))).toBe('M_FORBIDDEN');
  });

  test('are answered for a server whose user the resolution of states has removed, about events up to then', async () => {
    const admin = '@admin:admin.example';
    const head = await world.room(alice);
    await world.setState(alice, head, 'm.room.power_levels', { users: { [alice.userId]: 100, [admin]: 100 } });
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'joined' });
    await remote.join(head, admin);
    const prev = head.extremities;
    await remote.join(head, BOB);
    const before = await world.say(alice, head, 'while the server was there');
    // The resolution prefers the later of the two join rules.
    world.clock.skip(1_000);
    const rules = { type: 'm.room.join_rules', sender: admin, stateKey: '', content: { join_rule: 'invite' } };
    const cause = await remote.append(head, { ...rules, prev });
    const after = await world.say(alice, head, 'after the removal');
    expect(await world.userRooms.one(await world.names.reserve(BOB), head.num)).toMatchObject({ membership: 'leave' });
    for (const { eventId: id } of [before, cause])
      for (const [name, ask] of requests(PEER, head.roomId, id))
        expect([name, await refusal(ask())]).toEqual([name, name === 'closest' ? 'M_FORBIDDEN' : 'no refusal']);
    for (const [name, ask] of requests(PEER, head.roomId, after.eventId))
      expect([name, await refusal(ask())]).toEqual([name, 'M_FORBIDDEN']);
    const history = await json(serving.history.backfill(PEER, head.roomId, [before.eventId], 1));
    expect(bodies(history)).toEqual(['while the server was there']);
  });

  test('answer nothing about an event of another room', async () => {
    const [head, other] = [await shared(), await world.room(alice)];
    const secret = await world.say(alice, other, 'secret');
    for (const ask of statesAt(head, secret)) expect(await refusal(ask())).toBe('M_NOT_FOUND');
    expect(pdusIn(await json(serving.history.backfill(PEER, head.roomId, [secret.eventId], 10)))).toEqual([]);
    const query = { latest: [secret.eventId], earliest: [], limit: 10, minDepth: 0 };
    expect(pdusIn(await json(serving.history.missing(PEER, head.roomId, query)), 'events')).toEqual([]);
    const closest = await serving.events.closest(PEER, head.roomId, secret.ts, 'b');
    expect(closest.roomId).toBe(head.roomId);
  });

  test.each(['1', '3', '10', '11', '12'])('return the state before an event in version %s', async (version) => {
    const head = await shared(version);
    const named = await world.setState(alice, head, 'm.room.name', { name: 'Name' });
    const message = await world.say(alice, head, 'text');
    const wanted = (await world.events.list(await world.readers.numsIn(head.root))).map((event) => event.eventId);
    const answer = await json(serving.state.pdus(PEER, head.roomId, message.eventId));
    expect(idsIn(head, answer).sort()).toEqual(wanted.toSorted());
    for (const pdu of pdusIn(answer)) expect(parsePdu(pdu, head.version).refusal).toBeUndefined();
    const chain = idsIn(head, answer, 'auth_chain');
    const ids = await json(serving.state.ids(PEER, head.roomId, message.eventId));
    expect(asStringArray(ids.pdu_ids)?.sort()).toEqual(wanted.toSorted());
    expect(asStringArray(ids.auth_chain_ids)?.sort()).toEqual(chain.sort());
    const atName = await json(serving.state.ids(PEER, head.roomId, named.eventId));
    expect(asStringArray(atName.pdu_ids)).not.toContain(named.eventId);
  });

  test('return the auth chain of an event with the chains of its auth events', async () => {
    const head = await shared();
    const message = await world.say(alice, head, 'text');
    const answer = await json(serving.state.authChain(PEER, head.roomId, message.eventId));
    const types = pdusIn(answer, 'auth_chain').map(({ type }) => type);
    expect(types.sort()).toEqual(['m.room.create', 'm.room.member', 'm.room.power_levels']);
  });

  test('refuse the state at rejected events and do not serve them', async () => {
    const head = await shared();
    const rejected = await remote.append(head, {
      type: 'm.room.message',
      sender: BOB,
      content: { body: 'rejected' },
      isRejected: true,
    });
    for (const ask of statesAt(head, rejected)) expect(await refusal(ask())).toBe('M_NOT_FOUND');
    expect(await refusal(serving.events.event(PEER, rejected.eventId))).toBe('M_NOT_FOUND');
    const after = await remote.append(head, {
      type: 'm.room.message',
      sender: BOB,
      content: { body: 'after' },
      prev: [rejected],
    });
    const answer = await json(serving.history.backfill(PEER, head.roomId, [after.eventId], 3));
    expect(idsIn(head, answer)).not.toContain(rejected.eventId);
    expect(pdusIn(answer)).toHaveLength(3);
  });

  test('return events and those before them, the latest first', async () => {
    const head = await shared();
    const events: StoredEvent[] = [];
    for (let i = 0; i < 8; i += 1)
      events.push(i % 2 === 0 ? await world.say(alice, head, `${i}`) : await remote.say(head, BOB, `${i}`));
    const [from] = events.slice(6);
    const answer = await json(serving.history.backfill(PEER, head.roomId, [from?.eventId ?? ''], 4));
    expect(bodies(answer)).toEqual(['6', '5', '4', '3']);
    const all = await json(serving.history.backfill(PEER, head.roomId, [from?.eventId ?? ''], 1_000));
    expect(pdusIn(all).at(-1)?.type).toBe('m.room.create');
    const long = await json(serving.history.backfill(PEER, head.roomId, [], 10));
    expect(pdusIn(long)).toEqual([]);
  });

  test('return at most 100 events of the history', async () => {
    const head = await shared();
    let last = await world.say(alice, head, '0');
    for (let i = 1; i < 110; i += 1) last = await world.say(alice, head, `${i}`);
    expect(pdusIn(await json(serving.history.backfill(PEER, head.roomId, [last.eventId], 200)))).toHaveLength(100);
    const query = { latest: [last.eventId], earliest: [], limit: 1_000, minDepth: 0 };
    expect(pdusIn(await json(serving.history.missing(PEER, head.roomId, query)), 'events')).toHaveLength(50);
    expect(
      pdusIn(await json(serving.history.missing(PEER, head.roomId, { ...query, limit: undefined })), 'events'),
    ).toHaveLength(10);
  });

  test('return the missing events between known ones in chronological order', async () => {
    const head = await shared();
    const events: StoredEvent[] = [];
    for (let i = 0; i < 8; i += 1) events.push(await world.say(alice, head, `${i}`));
    const id = (i: number) => events[i]?.eventId ?? '';
    const ask = async (earliest: string[], limit: number, minDepth = 0) =>
      bodies(
        await json(serving.history.missing(PEER, head.roomId, { latest: [id(7)], earliest, limit, minDepth })),
        'events',
      );
    expect(await ask([id(2)], 10)).toEqual(['3', '4', '5', '6']);
    expect(await ask([id(2)], 2)).toEqual(['5', '6']);
    expect(await ask([], 10, events[5]?.depth)).toEqual(['5', '6']);
  });

  test('return both branches of a fork', async () => {
    const head = await shared();
    const root = await world.say(alice, head, 'root');
    const left = await world.say(alice, head, 'left');
    const draft = { type: 'm.room.message', sender: BOB, prev: [root] };
    const right = await remote.append(head, { ...draft, content: { body: 'right' } });
    const merge = await world.say(alice, head, 'merge');
    const query = { latest: [merge.eventId], earliest: [root.eventId], limit: 10, minDepth: 0 };
    const missing = await json(serving.history.missing(PEER, head.roomId, query));
    expect(idsIn(head, missing, 'events').sort()).toEqual([left.eventId, right.eventId].sort());
    const answer = await json(serving.history.backfill(PEER, head.roomId, [merge.eventId], 4));
    expect(bodies(answer)).toEqual(['merge', expect.any(String), expect.any(String), 'root']);
  });

  test('redact events from before a server was in a room whose history is for members', async () => {
    const head = await world.room(alice);
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'joined' });
    const before = await world.say(alice, head, 'before');
    const named = await world.setState(alice, head, 'm.room.name', { name: 'old name' });
    const renamed = await world.setState(alice, head, 'm.room.name', { name: 'name' });
    await remote.join(head, BOB);
    const after = await world.say(alice, head, 'after');
    const history = await json(serving.history.backfill(PEER, head.roomId, [after.eventId], 10));
    expect(bodies(history)).toEqual(['after', 'redacted']);
    const ids = idsIn(head, history);
    expect(ids).toContain(before.eventId);
    const query = { latest: [after.eventId], earliest: [], limit: 10, minDepth: 0 };
    expect(bodies(await json(serving.history.missing(PEER, head.roomId, query)), 'events')).toEqual(['redacted']);
    const [hiddenMessage] = pdusIn(await json(serving.events.event(PEER, before.eventId)));
    expect(hiddenMessage?.content).toEqual({});
    const [old] = pdusIn(await json(serving.events.event(PEER, named.eventId)));
    expect(old?.content).toEqual({});
    const [shown] = pdusIn(await json(serving.events.event(PEER, after.eventId)));
    expect(shown?.content).toEqual({ msgtype: 'm.text', body: 'after' });
    const nameIn = (answer: JsonObject) => pdusIn(answer).find(({ type }) => type === 'm.room.name')?.content;
    expect(nameIn(await json(serving.state.pdus(PEER, head.roomId, after.eventId)))).toEqual({ name: 'name' });
    const hidden = await json(serving.state.pdus(PEER, head.roomId, renamed.eventId));
    // Events of the current state are shown: the server gets them anyway.
    expect(pdusIn(hidden).find(({ type }) => type === 'm.room.create')?.content).toHaveProperty('room_version');
    expect(nameIn(hidden)).toEqual({});
  });

  test('show the events of erased users only to servers that were in the room', async () => {
    const head = await world.room(alice);
    const carol = await world.person();
    await world.joining.join(head, carol);
    await world.say(carol, head, 'before');
    await remote.join(head, BOB);
    const last = await world.say(carol, head, 'after');
    world.users.erasedUsers.add(carol.user, last.num);
    expect(bodies(await json(serving.history.backfill(PEER, head.roomId, [last.eventId], 10)))).toEqual([
      'after',
      'redacted',
    ]);
  });

  test('return the event closest to a time', async () => {
    const head = await shared();
    const event = await world.say(alice, head, 'text');
    expect((await serving.events.closest(PEER, head.roomId, event.ts, 'b')).ts).toBe(event.ts);
    expect(await refusal(serving.events.closest(PEER, head.roomId, event.ts + 1_000_000, 'f'))).toBe('M_NOT_FOUND');
  });
});
