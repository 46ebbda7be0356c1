import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Hierarchy, type HierarchyQuery } from '../../src/directory/hierarchy.ts';
import { RoomDirectory } from '../../src/directory/room-directory.ts';
import type { Head } from '../../src/rooms/head.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

describe('finding rooms', () => {
  let world: World;
  let directory: RoomDirectory;
  let hierarchy: Hierarchy;
  beforeAll(async () => {
    world = await openWorld(sqlite);
    directory = world.roomDirectory;
    hierarchy = new Hierarchy({ ...world, remoteRooms: undefined });
  });
  afterAll(() => world.end());

  const actor = (person: Person, isAdmin = false) => ({ ...person, isAdmin });
  const names = ({ chunk }: JsonObject) => (chunk as { name: string }[]).map(({ name }) => name);

  test('aliases: made by members, removed by who made them and by who has the say', async () => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    const [one, two] = ['#one:test.local', '#two:test.local'];
    expect(await refusal(directory.add(actor(carol), one, head.roomId))).toBe('M_FORBIDDEN');
    expect(await refusal(directory.add(actor(alice), '#one:elsewhere', head.roomId))).toBe('M_INVALID_PARAM');
    expect(await refusal(directory.add(actor(alice), 'one', head.roomId))).toBe('M_INVALID_PARAM');
    expect(await refusal(directory.add(actor(alice), one, '!none:test.local'))).toBe('M_NOT_FOUND');
    const results = await Promise.all([
      refusal(directory.add(actor(bob), one, head.roomId)),
      refusal(directory.add(actor(alice), one, head.roomId)),
    ]);
    expect(results.sort()).toEqual(['M_UNKNOWN', 'no refusal']);
    await directory.add(actor(bob), two, head.roomId);
    expect((await directory.resolve(two)).roomId).toBe(head.roomId);
    expect(await refusal(directory.remove(actor(carol), two))).toBe('M_FORBIDDEN');
    await directory.remove(actor(alice), two);
    expect(await refusal(directory.resolve(two))).toBe('M_NOT_FOUND');
    const set = (alias: string) => world.setState(alice, head, 'm.room.canonical_alias', { alias });
    expect(await refusal(set(two))).toBe('M_BAD_ALIAS');
    await set(one);
  });

  test('the list: the largest first, in pages, by words and by type', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const rooms: Head[] = [];
    for (const [name, type] of [
      ['Listed one'],
      ['Listed two'],
      ['Listed space', 'm.space'],
      ['Listed three'],
    ] as const) {
      const creation = type === undefined ? {} : { type };
      const head = await world.room(alice, {
        visibility: 'public',
        name,
        topic: 'Of Birds',
        creation_content: creation,
      });
      rooms.push(head);
    }
    const [, second] = rooms;
    if (second === undefined) throw new Error('there are four');
    await world.joining.join(second, bob);
    const all = ['Listed two', 'Listed one', 'Listed space', 'Listed three'];
    const first = await world.publicRooms.page({ term: 'LISTED', limit: 3 });
    expect(names(first)).toEqual(all.slice(0, 3));
    expect(first.total_room_count_estimate).toBe(4);
    const next = await world.publicRooms.page({ term: 'listed', limit: 3, since: asString(first.next_batch) });
    expect(names(next)).toEqual(all.slice(3));
    expect(next.next_batch).toBeUndefined();
    expect(names(await world.publicRooms.page({ term: 'listed', limit: 3, since: asString(next.prev_batch) }))).toEqual(
      all.slice(0, 3),
    );
    expect(names(await world.publicRooms.page({ term: 'birds', roomTypes: ['m.space'] }))).toEqual(['Listed space']);
    expect(names(await world.publicRooms.page({ term: 'birds', roomTypes: [null] }))).toHaveLength(3);
    expect(await refusal(world.publicRooms.page({ since: 'x' }))).toBe('M_INVALID_PARAM');
    expect(await refusal(directory.publish(actor(bob), second.roomId, false))).toBe('M_FORBIDDEN');
    await directory.publish(actor(alice), second.roomId, false);
    expect(names(await world.publicRooms.page({ term: 'listed' }))).not.toContain('Listed two');
  });

  test('the list follows what is published, renamed and taken back', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, { visibility: 'public', name: 'Changing' });
    const listed = async () => names(await world.publicRooms.page({ term: 'chang' }));
    const members = async () => {
      const { chunk } = await world.publicRooms.page({ term: 'chang' });
      return (chunk as { num_joined_members: number }[]).map(({ num_joined_members }) => num_joined_members);
    };
    expect(await listed()).toEqual(['Changing']);
    await world.joining.join(head, bob);
    expect(await members()).toEqual([2]);
    const renaming = await world.setState(alice, head, 'm.room.name', { name: 'Changed' });
    expect(await listed()).toEqual(['Changed']);
    await world.redact(alice, head, renaming.eventId);
    expect(await listed()).toEqual([]);
    const other = await world.room(alice, { name: 'Unchanged' });
    await directory.publish(actor(alice), other.roomId, true);
    expect(await listed()).toEqual(['Unchanged']);
    await directory.publish(actor(alice), other.roomId, false);
    expect(await listed()).toEqual([]);
  });

  test('where only administrators publish', async () => {
    const closed = new RoomDirectory({
      ...world,
      onlyAdministratorsPublish: true,
    });
    const [alice, admin] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    expect(await refusal(closed.publish(actor(alice), head.roomId, true))).toBe('M_FORBIDDEN');
    await closed.publish(actor(admin, true), head.roomId, true);
    expect(await world.rooms.published()).toContain(head.num);
  });

  test('a space: depth first, in the order of its children, as far as one may know', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const space = (name: string) =>
      world.room(alice, { preset: 'public_chat', name, creation_content: { type: 'm.space' } });
    const [root, inner] = [await space('root'), await space('inner')];
    const [open, secret, last] = [
      await world.room(alice, { preset: 'public_chat', name: 'open' }),
      await world.room(alice, { name: 'secret' }),
      await world.room(alice, { preset: 'public_chat', name: 'last' }),
    ];
    const child = (parent: Head, of: Head, more: JsonObject = {}) =>
      world.setState(alice, parent, 'm.space.child', { via: ['test.local'], ...more }, of.roomId);
    await child(root, last);
    await child(root, secret, { order: 'b' });
    await child(root, inner, { order: 'a', suggested: true });
    await child(inner, open, { suggested: true });
    // A circle, and a child that was taken out again.
    await child(inner, root);
    await world.setState(alice, inner, 'm.space.child', {}, last.roomId);
    const list = async (person: Person, more: Partial<HierarchyQuery> = {}) => {
      const answer = await hierarchy.page(person.user, root.roomId, { suggestedOnly: false, ...more });
      return { names: (answer.rooms as { name: string }[]).map(({ name }) => name), next: answer.next_batch };
    };
    expect((await list(alice)).names).toEqual(['root', 'inner', 'open', 'secret', 'last']);
    expect((await list(bob)).names).toEqual(['root', 'inner', 'open', 'last']);
    expect((await list(bob, { suggestedOnly: true })).names).toEqual(['root', 'inner', 'open']);
    expect((await list(bob, { maxDepth: 1 })).names).toEqual(['root', 'inner', 'last']);
    const first = await list(bob, { limit: 3 });
    expect(first.names).toEqual(['root', 'inner', 'open']);
    const from = asString(first.next);
    expect(await list(bob, { limit: 3, from })).toEqual({ names: ['last'], next: undefined });
    expect(await refusal(list(bob, { limit: 3, from, maxDepth: 1 }))).toBe('M_INVALID_PARAM');
    expect(await refusal(hierarchy.page(bob.user, secret.roomId, { suggestedOnly: false }))).toBe('M_FORBIDDEN');
  });
});
