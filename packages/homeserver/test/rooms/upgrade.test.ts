import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import { upgradeRoom } from '../../src/rooms/upgrade.ts';
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
    const last = head.extremities[0]?.eventId;

    const roomId = await upgradeRoom(world, head, { userId: alice.userId, newVersion: to });
    const next = await world.heads.get(roomId);
    expect(next.version.id).toBe(to);
    const predecessor = (await content(next, 'm.room.create'))?.predecessor;
    expect(predecessor).toEqual({ room_id: head.roomId, ...(to === '12' ? {} : { event_id: last }) });
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
    const upgrade = (userId: string, newVersion: string) => refusal(upgradeRoom(world, head, { userId, newVersion }));
    expect(await upgrade(bob.userId, '11')).toBe('M_FORBIDDEN');
    expect(await upgrade(alice.userId, '99')).toBe('M_UNSUPPORTED_ROOM_VERSION');
    expect(await head.state('m.room.tombstone')).toBeUndefined();
  });

  test('to version 12 with further creators', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const levels = { users: { [bob.userId]: 100 } };
    const head = await world.room(alice, { power_level_content_override: levels, room_version: '12' });
    const request = { userId: alice.userId, newVersion: '12', additionalCreators: [bob.userId] };
    const next = await world.heads.get(await upgradeRoom(world, head, request));
    expect((await content(next, 'm.room.create'))?.additional_creators).toEqual([bob.userId]);
    expect((await content(next, 'm.room.power_levels'))?.users).toEqual({});
  });
});
