import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { searchPeople } from '../../src/user-directory/search-people.ts';
import { engines } from '../storage/engines.ts';
import { openWorld, type Person, type World, type WorldServices } from '../support/world.ts';

describe.each(engines)('the user directory, on $name', (engine) => {
  let world: World;
  let services: WorldServices;
  beforeAll(async () => {
    world = await openWorld(engine);
    services = world.openServices();
  });
  afterAll(() => world.end());

  const search = async (person: Person, term: string, more: { limit?: number; all?: boolean } = {}) => {
    const { limit, all = false } = more;
    const { results, limited } = await searchPeople(services.people, all, { user: person.user, term, limit });
    return { ids: results.map(({ user_id }) => user_id), limited, results };
  };
  const named = async (displayname: string) => {
    const person = await world.person();
    await world.profiles.set(person.user, person.userId, 'displayname', displayname);
    return person;
  };

  test('finds who shares a room, by any part of name or id, in any script', async () => {
    const [alice, bob, cai] = [await world.person(), await named('Robert Müller'), await named('蔡明亮')];
    const head = await world.room(alice, { preset: 'private_chat', invite: [bob.userId, cai.userId] });
    expect((await search(alice, 'müll')).ids).toEqual([]);
    await world.joining.join(head, bob);
    await world.joining.join(head, cai);
    expect((await search(alice, 'MÜLLER rob')).ids).toEqual([bob.userId]);
    expect((await search(alice, '明亮')).ids).toEqual([cai.userId]);
    expect((await search(alice, '亮')).ids).toEqual([cai.userId]);
    expect((await search(alice, bob.userId)).ids).toEqual([bob.userId]);
    expect((await search(alice, '')).ids).toEqual([]);
    expect((await search(bob, 'müll')).ids).toEqual([]);
    const stranger = await world.person();
    expect((await search(stranger, '明亮')).ids).toEqual([]);
    await world.joining.leave(head, cai);
    expect((await search(alice, '明亮')).ids).toEqual([]);
  });

  test('finds who is in a room that anybody may join or read, and no longer when it closes', async () => {
    const [carol, dave] = [await named('Carolina'), await named('Davidson')];
    const open = await world.room(carol);
    const readable = await world.room(dave, { preset: 'private_chat' });
    const stranger = await world.person();
    expect((await search(carol, 'carolina')).ids).toEqual([carol.userId]);
    expect((await search(stranger, 'carolina')).ids).toEqual([carol.userId]);
    expect((await search(stranger, 'davidson')).ids).toEqual([]);
    await world.setState(dave, readable, 'm.room.history_visibility', { history_visibility: 'world_readable' });
    await world.setState(carol, open, 'm.room.join_rules', { join_rule: 'invite' });
    expect((await search(stranger, 'davidson')).ids).toEqual([dave.userId]);
    expect((await search(stranger, 'carolina')).ids).toEqual([]);
  });

  test('shows the profile of today, not a name from one room', async () => {
    const [erin, frank] = [await named('Erin Original'), await world.person()];
    const head = await world.room(erin);
    await world.setState(erin, head, 'm.room.member', { membership: 'join', displayname: 'Nickname' }, erin.userId);
    expect((await search(frank, 'nickname')).ids).toEqual([]);
    await world.profiles.set(erin.user, erin.userId, 'displayname', 'Erin Changed');
    await world.profiles.set(erin.user, erin.userId, 'avatar_url', 'mxc://test.local/erin');
    await expect
      .poll(async () => (await search(frank, 'changed')).results)
      .toMatchObject([{ user_id: erin.userId, display_name: 'Erin Changed', avatar_url: 'mxc://test.local/erin' }]);
    expect((await search(frank, 'original')).ids).toEqual([]);
  });

  test('says when there are more, the closest first', async () => {
    const people = [await named('Yankovic'), await named('Yanko'), await named('Nyanko')];
    for (const person of people) await world.room(person);
    const stranger = await world.person();
    const { ids, limited } = await search(stranger, 'yanko', { limit: 2 });
    expect([ids, limited]).toEqual([[people[1]?.userId, people[0]?.userId], true]);
    expect((await search(stranger, 'yanko', { limit: 3 })).limited).toBe(false);
    expect((await search(stranger, 'yanko', { limit: 0 })).ids).toEqual([]);
  });

  test('finds everybody where it is set up so, except who is gone', async () => {
    const [loner, gone] = [await world.person(), await named('Quentin Gone')];
    await named('Quentin Alone');
    const found = await search(loner, 'quentin', { all: true });
    expect(found.ids).toHaveLength(2);
    expect((await search(loner, 'quentin')).ids).toEqual([]);
    await world.users.accountChanges.deactivate(gone, true);
    expect((await search(loner, 'quentin', { all: true })).ids).not.toContain(gone.userId);
    expect((await search(gone, loner.userId, { all: true })).ids).toEqual([loner.userId]);
  });
});
