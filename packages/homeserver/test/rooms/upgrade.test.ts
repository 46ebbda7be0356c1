import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';

describe('upgrading a room', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const content = async (head: Head, type: string, stateKey = '') => (await head.state(type, stateKey))?.content;

  test.each([
    ['1', '6'],
    ['5', '10'],
    ['10', '12'],
    ['11', '11'],
    ['12', '12'],
    ['12', '11'],
    ['12', '9'],
  ])('from version %s to %s', async (from, to) => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const head = await world.room(alice, {
      visibility: 'public',
      room_version: from,
      name: 'Name',
      topic: 'Topic',
      room_alias_name: `up-${from}-${to}`,
    });
    await world.joining.join(head, bob);
    await world.joining.ban(head, alice, carol.userId);
    await world.setState(alice, head, 'm.space.child', { via: ['test.local'] }, '!child:test.local');
    await world.setState(alice, head, 'com.example.other', { left: 'behind' });
    const roomId = await world.upgrades.upgrade(head, { userId: alice.userId, newVersion: to });
    const next = await world.heads.get(roomId);
    expect(next.version.id).toBe(to);
    const predecessor = (await content(next, 'm.room.create'))?.predecessor;
    const tombstone = (await head.state('m.room.tombstone'))?.eventId;
    expect(predecessor).toEqual({ room_id: head.roomId, ...(to === '12' ? {} : { event_id: tombstone }) });
    expect(await content(next, 'm.room.canonical_alias')).toEqual({ alias: `#up-${from}-${to}:test.local` });
    expect(await content(head, 'm.room.canonical_alias')).toEqual({});
    expect((await content(head, 'm.room.tombstone'))?.replacement_room).toBe(roomId);
    expect(await content(next, 'm.room.name')).toEqual({ name: 'Name' });
    expect(await content(next, 'm.room.join_rules')).toEqual({ join_rule: 'public' });
    expect((await content(next, 'm.room.member', carol.userId))?.membership).toBe('ban');
    expect(await content(next, 'm.space.child', '!child:test.local')).toEqual({ via: ['test.local'] });
    expect(await content(next, 'com.example.other')).toBeUndefined();
    expect(await content(next, 'm.room.member', bob.userId)).toBeUndefined();
    expect((await world.aliases.find(`#up-${from}-${to}:test.local`))?.room).toBe(next.num);
    const published = await world.rooms.published();
    expect([published.includes(head.num), published.includes(next.num)]).toEqual([false, true]);

    // Nobody but those with power goes on in the old room, and its owner has the say in the new one.
    expect(await refusal(world.say(bob, head, 'too late'))).toBe('M_FORBIDDEN');
    await world.joining.join(next, bob);
    await world.say(bob, next, 'hello');
    await world.setState(alice, next, 'm.room.join_rules', { join_rule: 'invite' });
    await world.setState(alice, next, 'm.room.tombstone', { body: 'once more', replacement_room: '!x:test.local' });
  });

  test('is for those who may, and to versions that exist', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    const upgrade = (userId: string, newVersion: string) =>
      refusal(world.upgrades.upgrade(head, { userId, newVersion }));
    expect(await upgrade(bob.userId, '11')).toBe('M_FORBIDDEN');
    expect(await upgrade(alice.userId, '99')).toBe('M_UNSUPPORTED_ROOM_VERSION');
    expect(await head.state('m.room.tombstone')).toBeUndefined();
  });

  test('to version 12 with further creators', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const levels = { users: { [bob.userId]: 100 } };
    const head = await world.room(alice, { power_level_content_override: levels, room_version: '12' });
    const request = { userId: alice.userId, newVersion: '12', additionalCreators: [bob.userId] };
    const next = await world.heads.get(await world.upgrades.upgrade(head, request));
    expect((await content(next, 'm.room.create'))?.additional_creators).toEqual([bob.userId]);
    expect((await content(next, 'm.room.power_levels'))?.users).toEqual({});
  });

  test.each(['9', '11', '12'])('lets a moderator who may send the tombstone upgrade, to version %s', async (to) => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const levels = {
      users: { [alice.userId]: 100, [bob.userId]: 50 },
      events: { 'm.room.tombstone': 50, 'm.room.name': 70, 'm.room.power_levels': 100 },
      ban: 60,
    };
    const head = await world.room(alice, {
      preset: 'public_chat',
      room_version: '9',
      name: 'Name',
      power_level_content_override: levels,
    });
    await world.joining.join(head, bob);
    await world.joining.ban(head, alice, carol.userId);
    const next = await world.heads.get(await world.upgrades.upgrade(head, { userId: bob.userId, newVersion: to }));
    expect(await content(next, 'm.room.name')).toEqual({ name: 'Name' });
    expect((await content(next, 'm.room.member', carol.userId))?.membership).toBe('ban');
    const old = (await content(head, 'm.room.power_levels')) ?? {};
    const users = to === '12' ? { [alice.userId]: 100 } : levels.users;
    expect(await content(next, 'm.room.power_levels')).toEqual({ ...old, users });
  });

  test.each(['6', '10', '12'])('reads power levels that are strings, to version %s', async (to) => {
    const alice = await world.person();
    const head = await world.room(alice, {
      room_version: '9',
      power_level_content_override: {
        users: { [alice.userId]: '100' },
        events: { 'm.room.name': ' 70 ' },
        events_default: '60',
        invite: '20',
        kick: '+40',
      } as unknown as JsonObject,
    });
    const next = await world.heads.get(await world.upgrades.upgrade(head, { userId: alice.userId, newVersion: to }));
    const carried = await content(next, 'm.room.power_levels');
    if (to === '6') expect(carried).toMatchObject({ kick: '+40', users: { [alice.userId]: '100' } });
    else expect(carried).toMatchObject({ kick: 40, events: { 'm.room.name': 70 }, events_default: 60, invite: 20 });
    expect(carried?.users).toEqual(to === '12' ? {} : { [alice.userId]: to === '6' ? '100' : 100 });
    expect(await content(head, 'm.room.power_levels')).toMatchObject({ events_default: '60', invite: 50 });
  });

  test('takes the power levels as they are, without defaults for what they leave out', async () => {
    const alice = await world.person();
    const head = await world.room(alice, { room_version: '11' });
    const levels = { users: { [alice.userId]: 100 }, state_default: 40 };
    await world.setState(alice, head, 'm.room.power_levels', levels);
    const next = await world.heads.get(await world.upgrades.upgrade(head, { userId: alice.userId, newVersion: '11' }));
    expect(await content(next, 'm.room.power_levels')).toEqual(levels);
  });

  test('happens once when several requests arrive at the same time', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    const before = (await world.userRooms.of(alice.user)).size;
    const request = { userId: alice.userId, newVersion: '11' };
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => refusal(world.upgrades.upgrade(head, request))));
    expect(outcomes.sort()).toEqual(['M_FORBIDDEN', 'M_FORBIDDEN', 'M_FORBIDDEN', 'no refusal']);
    expect((await world.userRooms.of(alice.user)).size).toBe(before + 1);
    expect(await refusal(world.upgrades.upgrade(head, request))).toBe('M_FORBIDDEN');
    await world.setState(alice, head, 'm.room.tombstone', {});
    expect(await refusal(world.upgrades.upgrade(head, request))).toBe('no refusal');
  });

  test('carries what was set while it was under way', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    const upgrade = world.upgrades.upgrade(head, { userId: alice.userId, newVersion: '11' });
    const [roomId] = await Promise.all([upgrade, world.setState(alice, head, 'm.room.name', { name: 'At once' })]);
    const next = await world.heads.get(roomId);
    const tombstone = await head.state('m.room.tombstone');
    const name = await head.state('m.room.name');
    const isBefore = (name?.num ?? 0) < (tombstone?.num ?? 0);
    expect(await content(next, 'm.room.name')).toEqual(isBefore ? { name: 'At once' } : undefined);
  });

  test('a tombstone that names its own room is refused', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    const own = { body: 'gone', replacement_room: head.roomId };
    expect(await refusal(world.setState(alice, head, 'm.room.tombstone', own))).toBe('M_INVALID_PARAM');
  });
});
