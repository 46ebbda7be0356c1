import { slidingSync as slidingSyncEndpoint } from '@hearth/api/client/sliding-sync/sync.ts';
import { asArray, asObject, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFilter } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import type { Head } from '../../src/rooms/head.ts';
import { parsePos } from '../../src/sync/sliding/connections.ts';
import { engines } from '../storage/engines.ts';
import { RemoteEvents } from '../support/remote-events.ts';
import { openWorld, type Person, reopenWorld, type World } from '../support/world.ts';

const ADMIN = '@admin:a.test';
const MODERATOR = '@moderator:b.test';

/** A room with an administrator and a moderator of other servers, and two users of this server. */
interface SharedRoom {
  readonly head: Head;
  readonly alice: Person;
  readonly bob: Person;
}

describe.each(engines)('after a membership has changed by the resolution of states on $name', (engine) => {
  let world: World;
  let remote: RemoteEvents;
  beforeAll(async () => {
    world = await openWorld(engine);
    remote = new RemoteEvents(world);
  });
  afterAll(() => world.end());

  const levels = (alice: Person, moderator: number) => ({
    users: { [alice.userId]: 100, [ADMIN]: 100, [MODERATOR]: moderator },
    invite: 50,
  });
  const shared = async (): Promise<SharedRoom> => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { preset: 'public_chat' });
    await world.setState(alice, head, 'm.room.power_levels', levels(alice, 50));
    for (const userId of [ADMIN, MODERATOR]) await remote.join(head, userId);
    await world.joining.join(head, bob);
    return { head, alice, bob };
  };
  const member = (sender: string, target: Person, membership: string) => {
    return { type: 'm.room.member', sender, stateKey: target.userId, content: { membership } };
  };
  /** Takes the power of the moderator away, at the same time as something that the moderator has done. */
  const demote = ({ head, alice }: SharedRoom, prev: Head['extremities']) =>
    remote.append(head, {
      type: 'm.room.power_levels',
      sender: ADMIN,
      stateKey: '',
      content: levels(alice, 0),
      prev,
    });
  /** Returns the membership, the member event and the position of the change as they are stored. */
  const stored = async ({ head, bob }: SharedRoom) =>
    (await world.memberships.ofUser(bob.user)).find(({ room }) => room === head.num);

  const sync = async (person: Person, since: number | undefined, reader: World = world, more: JsonObject = {}) => {
    const text = await reader.sync.respond({
      ...person,
      since,
      filter: parseFilter({ room: { timeline: { limit: 3 } } }),
      fullState: false,
      stateAfter: undefined,
      presence: 'offline',
      timeoutMs: 0,
      cancellation: () => new Cancellation(),
      ...more,
    });
    return JSON.parse(await wholeText(text)) as JsonObject;
  };
  const section = (reply: JsonObject, name: string, { head }: SharedRoom) =>
    asObject(asObject(asObject(reply.rooms)?.[name])?.[head.roomId]);
  const eventsIn = (room: JsonObject | undefined, name: string) =>
    (asArray(asObject(room?.[name])?.events) ?? []) as JsonObject[];
  const typesIn = (room: JsonObject | undefined, name: string) => eventsIn(room, name).map(({ type }) => type);
  const changedLists = (reply: JsonObject, name: string) => asArray(asObject(reply.device_lists)?.[name]) ?? [];

  const sliding = async ({ user, userId, device }: Person, pos?: string) => {
    const required_state = [
      ['m.room.create', ''],
      ['m.room.member', '*'],
    ];
    const body = { lists: { all: { ranges: [[0, 99]], timeline_limit: 3, required_state } } };
    const request = { user, userId, device, presence: 'offline', timeoutMs: 0 } as const;
    const text = await world.slidingSync.respond({
      ...request,
      pos: pos === undefined ? undefined : parsePos(pos),
      body: v.parse(slidingSyncEndpoint.body, body),
      cancellation: () => new Cancellation(),
    });
    const reply = JSON.parse(await wholeText(text)) as JsonObject;
    return { pos: asString(reply.pos) ?? '', rooms: asObject(reply.rooms) ?? {} };
  };
  const streamed = async ({ user, device }: Person, from: number) => {
    const request = { user, device, from, roomIds: undefined, servers: [], limit: undefined, timeoutMs: 0 };
    const text = await world.eventStream.respond({ ...request, cancellation: () => new Cancellation() });
    return asArray((JSON.parse(text) as JsonObject).chunk)?.flatMap((entry) => asObject(entry)?.event_id ?? []);
  };

  /** Lets the moderator kick Bob, and the resolution undo that. */
  const broughtBack = async () => {
    const room = await shared();
    const join = await stored(room);
    const prev = room.head.extremities;
    const before = world.stream.current;
    await remote.append(room.head, member(MODERATOR, room.bob, 'leave'));
    const kicked = world.stream.current;
    const away = await world.say(room.alice, room.head, 'while Bob was not there');
    const pos = (await sliding(room.bob, (await sliding(room.bob)).pos)).pos;
    const cause = await demote(room, prev);
    return { ...room, join, before, kicked, away, pos, cause };
  };

  test('the row of a user who is a member again has the position of the event that has caused it', async () => {
    const room = await broughtBack();
    const { join, cause, head, bob } = room;
    const expected = { ...join, position: cause.num };
    expect(await stored(room)).toEqual(expected);
    expect(await world.userRooms.one(bob.user, head.num)).toEqual(expected);
    expect(cause.num).toBeGreaterThan(expected.event ?? 0);
  });

  test('/sync returns the whole room to a user who is a member again', async () => {
    const room = await broughtBack();
    for (const reader of [world, await reopenWorld(world)]) {
      const joined = section(await sync(room.bob, room.kicked, reader), 'join', room);
      expect(typesIn(joined, 'state')).toEqual(expect.arrayContaining(['m.room.create', 'm.room.join_rules']));
      expect(eventsIn(joined, 'timeline').at(-1)).toMatchObject({ event_id: room.cause.eventId });
    }
    const news = await sync(room.bob, room.kicked);
    expect(changedLists(news, 'changed')).toEqual(expect.arrayContaining([room.alice.userId, ADMIN, MODERATOR]));
    expect(changedLists(await sync(room.alice, room.kicked), 'changed')).toEqual([room.bob.userId]);
    expect(changedLists(await sync(room.alice, room.before), 'changed')).toEqual([]);
  });

  test('/sync returns only the changes to a user who has not got to know of the time outside', async () => {
    const room = await broughtBack();
    const joined = section(await sync(room.bob, room.before), 'join', room);
    expect(typesIn(joined, 'state')).not.toContain('m.room.create');
    expect(eventsIn(joined, 'timeline').at(-1)).toMatchObject({ event_id: room.cause.eventId });
  });

  test('/sync returns the whole room after a later change of the profile', async () => {
    const room = await broughtBack();
    const content = { membership: 'join', displayname: 'Bob' };
    await world.setState(room.bob, room.head, 'm.room.member', content, room.bob.userId);
    const joined = section(await sync(room.bob, room.kicked), 'join', room);
    expect(typesIn(joined, 'state')).toContain('m.room.create');
    expect(changedLists(await sync(room.alice, room.kicked), 'changed')).toEqual([room.bob.userId]);
  });

  test('sliding sync returns the whole room to a user who is a member again', async () => {
    const room = await broughtBack();
    const { rooms } = await sliding(room.bob, room.pos);
    expect(rooms[room.head.roomId]).toMatchObject({ initial: true, membership: 'join' });
    const types = asArray(asObject(rooms[room.head.roomId])?.required_state)?.map((event) => asObject(event)?.type);
    expect(types).toContain('m.room.create');
  });

  test('/events continues with the event that has made the user a member again', async () => {
    const room = await broughtBack();
    const later = await world.say(room.alice, room.head, 'welcome back');
    expect(await streamed(room.bob, room.cause.num - 1)).toEqual([room.cause.eventId, later.eventId]);
  });

  test('a member who was away sees what the history visibility permits of that time', async () => {
    const room = await broughtBack();
    const seen = async () => (await world.visibility.visibleTo(room.bob.user, room.head.num, [room.away])).length;
    expect(await seen()).toBe(1);
    const other = await shared();
    await world.setState(other.alice, other.head, 'm.room.history_visibility', { history_visibility: 'joined' });
    const prev = other.head.extremities;
    await remote.append(other.head, member(MODERATOR, other.bob, 'leave'));
    const away = await world.say(other.alice, other.head, 'while Bob was not there');
    await demote(other, prev);
    expect(await world.visibility.visibleTo(other.bob.user, other.head.num, [away])).toEqual([]);
  });

  /** Lets Bob join at the same time as the administrator closes the room, so that his member event is removed. */
  const removed = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { preset: 'public_chat' });
    await world.setState(alice, head, 'm.room.power_levels', levels(alice, 0));
    await remote.join(head, ADMIN);
    const prev = head.extremities;
    await world.joining.join(head, bob);
    const last = await world.say(alice, head, 'while Bob was there');
    const since = world.stream.current;
    const { pos } = await sliding(bob);
    const waiting = world.notifier.wait({ user: bob.user }, since, 60_000, new Cancellation());
    // The resolution prefers the later of the two join rules.
    world.clock.skip(1_000);
    const rules = { type: 'm.room.join_rules', sender: ADMIN, stateKey: '', content: { join_rule: 'invite' } };
    const cause = await remote.append(head, { ...rules, prev });
    const after = await world.say(alice, head, 'after the removal');
    return { head, alice, bob, last, since, pos, waiting, cause, after };
  };

  test('a user without a member event has left the room with the event that has caused it', async () => {
    const room = await removed();
    const { head, alice, bob, last, since, waiting, cause, after } = room;
    await waiting;
    expect(await stored(room)).toMatchObject({ membership: 'leave', event: cause.num, position: cause.num });
    for (const reader of [world, await reopenWorld(world)]) {
      const left = section(await sync(bob, since, reader), 'leave', room);
      expect(eventsIn(left, 'timeline').map(({ event_id }) => event_id)).toEqual([cause.eventId]);
    }
    expect(changedLists(await sync(bob, since), 'left')).toEqual(expect.arrayContaining([alice.userId, ADMIN]));
    expect(changedLists(await sync(alice, since), 'left')).toEqual([bob.userId]);
    const access = await world.readers.access(head.roomId, bob.user);
    expect(access).toMatchObject({ kind: 'past', until: { num: cause.num }, ended: { num: cause.num } });
    const seen = await world.visibility.visibleTo(bob.user, head.num, [last, cause, after]);
    expect(seen.map(({ event }) => event.num)).toEqual([last.num, cause.num]);
    expect(await streamed(bob, since)).toEqual([cause.eventId]);
  });

  test('sliding sync shows that a user without a member event has left the room', async () => {
    const { head, bob, pos, cause } = await removed();
    const { rooms } = await sliding(bob, pos);
    expect(rooms[head.roomId]).toMatchObject({ membership: 'leave', timeline: [{ event_id: cause.eventId }] });
  });

  test('an invitation that the resolution refuses ends', async () => {
    const room = await shared();
    const { head } = room;
    const carol = await world.person();
    const prev = head.extremities;
    await remote.append(head, member(MODERATOR, carol, 'invite'));
    const since = world.stream.current;
    const { pos, rooms } = await sliding(carol);
    expect(rooms[head.roomId]).toMatchObject({ membership: 'invite' });
    const cause = await demote(room, prev);
    expect(await stored({ ...room, bob: carol })).toMatchObject({ membership: 'leave', position: cause.num });
    const left = section(await sync(carol, since), 'leave', room);
    expect(left).toBeDefined();
    expect([...eventsIn(left, 'timeline'), ...eventsIn(left, 'state')]).toEqual([]);
    expect((await sliding(carol, pos)).rooms[head.roomId]).toMatchObject({ membership: 'leave' });
    await expect(world.readers.access(head.roomId, carol.user)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
  });

  test('a ban that is in effect again ends a membership that began since', async () => {
    const room = await shared();
    const { head, bob } = room;
    const ban = await remote.append(head, member(ADMIN, bob, 'ban'));
    const prev = head.extremities;
    await remote.append(head, member(MODERATOR, bob, 'leave'));
    await world.joining.join(head, bob);
    const since = world.stream.current;
    const cause = await demote(room, prev);
    expect(await stored(room)).toMatchObject({ membership: 'ban', event: ban.num, position: cause.num });
    const left = section(await sync(bob, since), 'leave', room);
    expect(eventsIn(left, 'timeline').map(({ event_id }) => event_id)).toEqual([cause.eventId]);
    expect(eventsIn(left, 'state').map(({ event_id }) => event_id)).toEqual([ban.eventId]);
    const access = await world.readers.access(head.roomId, bob.user);
    expect(access).toMatchObject({ kind: 'past', until: { num: cause.num }, ended: { num: cause.num } });
  });
});
