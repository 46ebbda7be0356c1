import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, textsOf, type World } from '../support/world.ts';

/**
 * The messages that each kind of user sees. They are sent before the invitation, while invited, while joined and after
 * leaving.
 */
const SEEN: Record<string, Record<string, readonly string[]>> = {
  world_readable: {
    stranger: ['before', 'invited', 'joined', 'after'],
    invited: ['before', 'invited', 'joined', 'after'],
    member: ['before', 'invited', 'joined', 'after'],
    past: ['before', 'invited', 'joined', 'after'],
  },
  shared: {
    stranger: [],
    invited: [],
    member: ['before', 'invited', 'joined', 'after'],
    past: ['before', 'invited', 'joined'],
  },
  invited: {
    stranger: [],
    invited: ['invited', 'joined', 'after'],
    member: ['invited', 'joined', 'after'],
    past: ['invited', 'joined'],
  },
  joined: { stranger: [], invited: [], member: ['joined', 'after'], past: ['joined'] },
};

describe('history visibility', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const all = async (head: Head) =>
    world.events.list(await world.timelines.page({ room: head.num, after: 0, upTo: head.row.seq }, false, 100));
  const seen = async (head: Head, { user }: Person) => {
    const visible = await world.visibility.visibleTo(user, head.num, await all(head));
    return textsOf(visible.map(({ event }) => event)).filter((text) => !text.startsWith('m.'));
  };
  const paged = async (head: Head, person: Person) => {
    const access = await world.readers.access(head.roomId, person.user);
    const page = await world.history.page(world.readerOf(person), access, { dir: 'f', limit: 100 });
    return textsOf(page.shown.map(({ event }) => event)).filter((text) => !text.startsWith('m.'));
  };

  test.each(Object.keys(SEEN))('%s shows readers the permitted events', async (visibility) => {
    const alice = await world.person();
    const [stranger, invited, member, past] = [
      await world.person(),
      await world.person(),
      await world.person(),
      await world.person(),
    ];
    const initial = [{ type: 'm.room.history_visibility', content: { history_visibility: visibility } }];
    const head = await world.room(alice, { preset: 'public_chat', initial_state: initial });
    await world.say(alice, head, 'before');
    for (const person of [invited, member, past]) await world.joining.invite(head, alice, person.userId);
    await world.say(alice, head, 'invited');
    for (const person of [member, past]) await world.joining.join(head, person);
    await world.say(alice, head, 'joined');
    await world.joining.leave(head, past);
    await world.say(alice, head, 'after');
    const found = {
      stranger: await seen(head, stranger),
      invited: await seen(head, invited),
      member: await seen(head, member),
      past: await seen(head, past),
    };
    expect(found).toEqual(SEEN[visibility]);
    expect(await seen(head, alice)).toEqual(['before', 'invited', 'joined', 'after']);
    expect(await paged(head, member)).toEqual(found.member);
    expect(await paged(head, past)).toEqual(found.past);
    if (visibility === 'world_readable') expect(await paged(head, stranger)).toEqual(found.stranger);
    else expect(await refusal(paged(head, stranger))).toBe('M_FORBIDDEN');
  });

  test('a change of the visibility is visible if the old or the new visibility permits it', async () => {
    const [alice, stranger] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    const set = (history_visibility: string) =>
      world.setState(alice, head, 'm.room.history_visibility', { history_visibility });
    await world.say(alice, head, 'closed');
    const opened = await set('world_readable');
    await world.say(alice, head, 'open');
    const closed = await set('joined');
    await world.say(alice, head, 'closed again');
    const visible = await world.visibility.visibleTo(stranger.user, head.num, await all(head));
    expect(visible.map(({ event }) => event.num)).toEqual([opened.num, opened.num + 1, closed.num]);
  });

  test('events have the membership of the reader, who also sees their own removal', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.say(alice, head, 'one');
    await world.joining.join(head, bob);
    await world.say(alice, head, 'two');
    await world.joining.ban(head, alice, bob.userId);
    await world.say(alice, head, 'three');
    const visible = await world.visibility.visibleTo(bob.user, head.num, await all(head));
    const shown = visible.slice(-5).map(({ event, membership }) => [textsOf([event])[0], membership]);
    expect(shown.slice(-4)).toEqual([
      ['one', 'leave'],
      ['m.room.member', 'join'],
      ['two', 'join'],
      ['m.room.member', 'ban'],
    ]);
  });

  test('a user who joins again sees shared history in between; a user who has forgotten the room sees nothing', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    await world.joining.leave(head, bob);
    await world.say(alice, head, 'meanwhile');
    expect(await paged(head, bob)).toEqual([]);
    await world.joining.forget(head, bob);
    expect(await refusal(paged(head, bob))).toBe('M_FORBIDDEN');
    await world.joining.join(head, bob);
    expect(await paged(head, bob)).toEqual(['meanwhile']);
  });

  test('a user who has rejected an invitation sees nothing', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.invite(head, alice, bob.userId);
    await world.joining.leave(head, bob);
    expect(await refusal(world.readers.access(head.roomId, bob.user))).toBe('M_FORBIDDEN');
  });
});
