import { asArray, asObject, asString, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Filter, parseFilter } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { SyncRequest } from '../../src/sync/sync.ts';
import { streamToken } from '../../src/timeline/position.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

const LAZY: JsonObject = { room: { state: { lazy_load_members: true }, timeline: { limit: 3 } } };
const AFTER = { stateAfter: 'state_after' } as const;

describe('the state in /sync', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const answer = async (person: Person, filter: JsonValue, more: Partial<SyncRequest> = {}) => {
    const parsed: Filter = parseFilter(filter);
    const text = await world.sync.respond({
      ...person,
      since: undefined,
      filter: parsed,
      fullState: false,
      stateAfter: undefined,
      presence: 'offline',
      timeoutMs: 0,
      cancellation: () => new Cancellation(),
      ...more,
    });
    return JSON.parse(await wholeText(text)) as JsonObject;
  };
  /** Returns the member events of a section as `user: membership`, in order. */
  const members = (reply: JsonObject, head: Head, section: string) => {
    const room = asObject(asObject(asObject(reply.rooms)?.join)?.[head.roomId]);
    const events = (asArray(asObject(room?.[section])?.events) ?? []) as JsonObject[];
    return events
      .filter(({ type }) => type === 'm.room.member')
      .map(({ state_key, content }) => [state_key, asObject(content)?.membership]);
  };
  const open = async () => {
    const people = [await world.person(), await world.person(), await world.person(), await world.person()] as const;
    const [alice, ...others] = people;
    // The room has a name, because otherwise the heroes would be included.
    const head = await world.room(alice, { preset: 'public_chat', name: 'Name' });
    for (const person of others) await world.joining.join(head, person);
    return { people, head };
  };

  test('lazy loading returns the own member event and those of the senders, each once', async () => {
    const { people, head } = await open();
    const [alice, bob, carol] = people;
    for (const person of [alice, bob, bob]) await world.say(person, head, 'hello');
    const first = await answer(carol, LAZY);
    const both = [alice, bob, carol].map(({ userId }) => [userId, 'join']);
    expect(new Set(members(first, head, 'state'))).toEqual(new Set(both));
    const since = world.stream.current;
    await world.say(bob, head, 'again');
    expect(members(await answer(carol, LAZY, { since }), head, 'state')).toEqual([]);
    const redundant = {
      room: { ...asObject(LAZY.room), state: { lazy_load_members: true, include_redundant_members: true } },
    };
    expect(members(await answer(carol, redundant, { since }), head, 'state')).toEqual([[bob.userId, 'join']]);
  });

  test('lazily loaded members are those before the timeline', async () => {
    const { people, head } = await open();
    const [, bob, , newcomer] = people;
    await world.joining.leave(head, newcomer);
    const since = world.stream.current;
    await world.joining.join(head, newcomer);
    await world.say(newcomer, head, 'back');
    const reply = await answer(bob, LAZY, { since });
    expect(members(reply, head, 'state')).toEqual([[newcomer.userId, 'leave']]);
    expect(members(reply, head, 'timeline')).toEqual([[newcomer.userId, 'join']]);
    const later = world.stream.current;
    await world.say(newcomer, head, 'still here');
    expect(members(await answer(bob, LAZY, { since: later }), head, 'state')).toEqual([]);
  });

  test.each([LAZY, {}])('the state after the timeline contains every change in the timeline, %j', async (filter) => {
    const { people, head } = await open();
    const [alice, bob, carol, dora] = people;
    const since = world.stream.current;
    await world.joining.kick(head, alice, dora.userId);
    await world.joining.leave(head, carol);
    const reply = await answer(bob, filter, { since, ...AFTER });
    const found = members(reply, head, 'state_after').filter(([userId]) => userId !== alice.userId);
    expect(new Set(found)).toEqual(new Set([carol, dora].map(({ userId }) => [userId, 'leave'])));
    const eve = await world.person();
    await world.joining.invite(head, alice, eve.userId);
    const invited = world.stream.current;
    await world.joining.join(head, eve);
    const own = members(await answer(eve, filter, { since: invited, ...AFTER }), head, 'state_after');
    expect(own.filter(([userId]) => userId === eve.userId)).toEqual([[eve.userId, 'join']]);
  });

  const position = ({ next_batch }: JsonObject) => Number(asString(next_batch)?.slice(1));
  const roomIn = (reply: JsonObject, head: Head) => asObject(asObject(asObject(reply.rooms)?.join)?.[head.roomId]);

  test('a gap contains membership changes only of members that a lazy client has', async () => {
    const { people, head } = await open();
    const [alice, bob, carol, dora] = people;
    for (const person of [alice, alice, carol]) await world.say(person, head, 'hello');
    const since = position(await answer(bob, LAZY));
    for (const gone of [carol, dora]) await world.joining.leave(head, gone);
    for (let i = 0; i < 5; i++) await world.say(alice, head, `message ${i}`);
    const changed = members(await answer(bob, LAZY, { since }), head, 'state');
    expect(changed).toContainEqual([carol.userId, 'leave']);
    expect(changed).not.toContainEqual([dora.userId, 'leave']);
  });

  test('a lazy client that repeats an older token gets the members of later answers again', async () => {
    const { people, head } = await open();
    const [alice, bob, carol, dora] = people;
    for (let i = 0; i < 3; i++) await world.say(alice, head, 'hello');
    const first = position(await answer(bob, LAZY));
    await world.say(carol, head, 'hello');
    const second = position(await answer(bob, LAZY, { since: first }));
    await world.say(dora, head, 'hello');
    await answer(bob, LAZY, { since: second });
    const again = members(await answer(bob, LAZY, { since: first }), head, 'state');
    for (const { userId } of [carol, dora]) expect(again).toContainEqual([userId, 'join']);
  });

  test('a room whose name is removed is returned with heroes and their member events', async () => {
    const { people, head } = await open();
    const [alice, bob, carol, dora] = people;
    for (let i = 0; i < 3; i++) await world.say(alice, head, 'hello');
    const since = position(await answer(bob, LAZY));
    await world.setState(alice, head, 'm.room.name', { name: '' });
    const reply = await answer(bob, LAZY, { since });
    const others = [alice, carol, dora].map(({ userId }) => userId);
    expect(asObject(roomIn(reply, head)?.summary)?.['m.heroes']).toEqual(others);
    expect(members(reply, head, 'state')).toEqual(
      expect.arrayContaining([carol, dora].map(({ userId }) => [userId, 'join'])),
    );
  });

  test('a timeline skips hidden and filtered events, and is limited if there are more', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    for (const body of ['one', 'two', 'three']) await world.say(bob, head, body);
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'joined' });
    await world.joining.leave(head, bob);
    for (let i = 0; i < 30; i++) await world.say(alice, head, 'hidden');
    await world.joining.join(head, bob);
    const bodies = async (filter: JsonObject) => {
      const timeline = asObject(roomIn(await answer(bob, { room: { timeline: filter } }), head)?.timeline);
      const events = (asArray(timeline?.events) ?? []) as JsonObject[];
      return [timeline?.limited, ...events.map(({ type, content }) => asObject(content)?.body ?? type)];
    };
    const shown = ['two', 'three', 'm.room.history_visibility', 'm.room.member', 'm.room.member'];
    expect(await bodies({ limit: 5 })).toEqual([true, ...shown]);
    expect(await bodies({ limit: 2, types: ['m.room.message'], senders: [bob.userId] })).toEqual([
      true,
      'two',
      'three',
    ]);
    expect(await bodies({ limit: 3, types: ['m.room.message'], senders: [bob.userId] })).toEqual([
      false,
      'one',
      'two',
      'three',
    ]);
  });

  test('a room that the user has joined again begins a new timeline', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    await world.say(alice, head, 'before');
    await world.joining.leave(head, bob);
    const since = world.stream.current;
    await world.joining.join(head, bob);
    const timeline = asObject(roomIn(await answer(bob, {}, { since }), head)?.timeline);
    expect(timeline?.limited).toBe(true);
    expect(asObject(roomIn(await answer(bob, {}), head)?.timeline)?.limited).toBe(false);
  });

  test('a gap contains the state that changed within it', async () => {
    const { people, head } = await open();
    const [alice, bob] = people;
    const since = world.stream.current;
    await world.setState(alice, head, 'm.room.name', { name: 'within the gap' });
    for (let i = 0; i < 5; i++) await world.say(alice, head, `message ${i}`);
    const reply = await answer(bob, { room: { timeline: { limit: 2 } } }, { since });
    const room = asObject(asObject(asObject(reply.rooms)?.join)?.[head.roomId]);
    expect(asObject(room?.timeline)?.limited).toBe(true);
    expect(asObject(room?.state)?.events).toMatchObject([{ content: { name: 'within the gap' } }]);
    const nothing = await answer(bob, {}, { since: world.stream.current });
    expect(nothing.rooms).toBeUndefined();
    expect(nothing.next_batch).toBe(streamToken(world.stream.current));
  });
});
