import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { ROOM_VERSIONS } from '@hearth/protocol/room-versions/rules.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../../src/account-data/user-data.ts';
import type { Preset, RoomOptions } from '../../src/rooms/creation/initial-events.ts';
import type { Head } from '../../src/rooms/head.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';

const PRESETS: readonly Preset[] = ['private_chat', 'trusted_private_chat', 'public_chat'];
const CASES = ROOM_VERSIONS.flatMap(({ id }) => PRESETS.map((preset) => [id, preset] as const));

describe('creating rooms', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const content = async (head: Head, type: string, stateKey = '') => (await head.state(type, stateKey))?.content;

  test.each(CASES)('version %s, %s', async (version, preset) => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { preset, room_version: version, invite: [bob.userId], is_direct: true });
    const isPublic = preset === 'public_chat';
    const creators = version === '12';
    expect(head.version.id).toBe(version);
    expect(await content(head, 'm.room.join_rules')).toEqual({ join_rule: isPublic ? 'public' : 'invite' });
    expect(await content(head, 'm.room.history_visibility')).toEqual({ history_visibility: 'shared' });
    // Without the event, guests may not join.
    expect(await content(head, 'm.room.guest_access')).toEqual(isPublic ? undefined : { guest_access: 'can_join' });
    expect(await content(head, 'm.room.member', bob.userId)).toMatchObject({ membership: 'invite', is_direct: true });
    const create = await content(head, 'm.room.create');
    expect(create?.room_version).toBe(version);
    const base = Number(version.split('.').at(-1));
    expect(create?.creator).toBe(base < 11 ? alice.userId : undefined);
    const trusted = preset === 'trusted_private_chat';
    expect(create?.additional_creators).toEqual(creators && trusted ? [bob.userId] : undefined);
    const users = creators ? {} : { [alice.userId]: 100, ...(trusted ? { [bob.userId]: 100 } : {}) };
    expect((await content(head, 'm.room.power_levels'))?.users).toEqual(users);
    expect(head.roomId).toMatch(creators ? /^![\w-]{43}$/ : /^!\w{18}:test\.local$/);
    expect([head.row.joined, head.row.invited]).toEqual([1, 1]);
    await world.joining.join(head, bob);
    await world.say(bob, head, 'hello');
    expect([head.row.joined, head.row.invited]).toEqual([2, 0]);
    await world.setState(trusted ? bob : alice, head, 'm.room.power_levels', { users, ban: 30 });
  });

  test('the events come in the order of the specification, and those of the request take the place of defaults', async () => {
    const alice = await world.person();
    const initial = [
      { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      { type: 'com.example.thing', state_key: 'key', content: { a: 1 } },
    ];
    const head = await world.room(alice, {
      visibility: 'public',
      room_alias_name: 'ordered',
      name: 'Name',
      topic: 'Topic',
      initial_state: initial,
      power_level_content_override: { events_default: 10 },
      creation_content: { type: 'm.space', room_version: '3', 'com.example.kept': true },
    });
    const events = await world.events.list(
      await world.timelines.page({ room: head.num, after: 0, upTo: head.row.seq }, false, 50),
    );
    expect(events.map(({ type }) => type)).toEqual([
      'm.room.create',
      'm.room.member',
      'm.room.power_levels',
      'm.room.canonical_alias',
      'm.room.join_rules',
      'm.room.history_visibility',
      'com.example.thing',
      'm.room.name',
      'm.room.topic',
    ]);
    expect(await content(head, 'm.room.create')).toMatchObject({
      type: 'm.space',
      room_version: '10',
      'com.example.kept': true,
    });
    expect(await content(head, 'm.room.power_levels')).toMatchObject({ events_default: 10, state_default: 50 });
    expect(await content(head, 'm.room.join_rules')).toEqual({ join_rule: 'public' });
    expect(await content(head, 'm.room.canonical_alias')).toEqual({ alias: '#ordered:test.local' });
    expect((await world.aliases.find('#ordered:test.local'))?.room).toBe(head.num);
    expect(await world.rooms.published()).toContain(head.num);
    expect(await world.readers.numsIn(head.root)).toHaveLength(events.length);
  });

  test('a room that cannot be created is refused, and nothing of it stays', async () => {
    const alice = await world.person();
    const attempt = (options: RoomOptions) => refusal(world.creation.create({ ...alice, isAdmin: false }, options));
    expect(await attempt({ room_version: '99' })).toBe('M_UNSUPPORTED_ROOM_VERSION');
    expect(await attempt({ invite: ['nobody'] })).toBe('M_INVALID_PARAM');
    await world.room(alice, { room_alias_name: 'once' });
    expect(await attempt({ room_alias_name: 'once' })).toBe('M_ROOM_IN_USE');
    const powerless = { users: { [alice.userId]: 0 } };
    const contradiction = { room_alias_name: 'never', power_level_content_override: powerless, name: 'Name' };
    expect(await attempt({ ...contradiction, room_version: '11' })).toBe('M_INVALID_ROOM_STATE');
    expect(await world.aliases.find('#never:test.local')).toBeUndefined();
    const rooms = await world.userRooms.of(alice.user);
    expect([...rooms.values()].filter(({ membership }) => membership === 'join')).toHaveLength(1);
  });

  test.each(['11', '12'])('equal rooms of version %s are created in the same millisecond', async (version) => {
    const alice = await world.person();
    const rooms = await Promise.all([1, 2, 3, 4, 5].map(() => world.room(alice, { room_version: version })));
    expect(new Set(rooms.map(({ roomId }) => roomId)).size).toBe(5);
    const again = await world.room(alice, { room_version: version });
    expect(rooms).not.toContainEqual(expect.objectContaining({ roomId: again.roomId }));
    for (const head of rooms) await world.say(alice, head, 'hello');
  });

  test('an alias is given to one of the requests that ask for it at the same time', async () => {
    const alice = await world.person();
    const attempts = [1, 2, 3, 4].map(() => refusal(world.room(alice, { room_alias_name: 'race' })));
    expect((await Promise.all(attempts)).sort()).toEqual([
      'M_ROOM_IN_USE',
      'M_ROOM_IN_USE',
      'M_ROOM_IN_USE',
      'no refusal',
    ]);
    expect((await world.userRooms.of(alice.user)).size).toBe(1);
  });

  test('invited users are shown with their profile', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    await world.profiles.set(bob.user, bob.userId, 'displayname', 'Bob');
    const head = await world.room(alice, { invite: [bob.userId] });
    expect(await content(head, 'm.room.member', bob.userId)).toEqual({ membership: 'invite', displayname: 'Bob' });
  });

  test('initial_state passes the same checks as state events', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const attempt = (type: string, stateKey: string, state: JsonObject) =>
      refusal(world.room(alice, { initial_state: [{ type, state_key: stateKey, content: state }] }));
    expect(await attempt('m.room.canonical_alias', '', { alias: '#other:test.local' })).toBe('M_BAD_ALIAS');
    expect(await attempt('m.room.member', '@x:elsewhere', { membership: 'invite' })).toBe('M_FORBIDDEN');
    expect(await attempt('m.room.member', bob.userId, { membership: 'join' })).toBe('M_INVALID_ROOM_STATE');
    await world.accountData.set(
      bob.user,
      GLOBAL,
      'm.invite_permission_config',
      JSON.stringify({ default_action: 'block' }),
    );
    expect(await attempt('m.room.member', bob.userId, { membership: 'invite' })).toBe('M_INVITE_BLOCKED');
  });

  test('power levels of initial_state are taken as they are', async () => {
    const alice = await world.person();
    const levels = { users: { [alice.userId]: 100 }, invite: 7 };
    const head = await world.room(alice, { initial_state: [{ type: 'm.room.power_levels', content: levels }] });
    expect(await content(head, 'm.room.power_levels')).toEqual(levels);
  });

  test('only administrators publish rooms where the configuration says so', async () => {
    const alice = await world.person();
    const { creation } = await world.reopenRooms({ onlyAdministratorsPublish: true });
    const attempt = (isAdmin: boolean) => refusal(creation.create({ ...alice, isAdmin }, { visibility: 'public' }));
    expect([await attempt(false), await attempt(true)]).toEqual(['M_FORBIDDEN', 'no refusal']);
  });
});
