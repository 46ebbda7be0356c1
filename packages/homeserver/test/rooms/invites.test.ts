import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../../src/account-data/user-data.ts';
import { EVERYTHING } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld(sqlite);
});
afterAll(() => world.end());

const invitesOf = async (person: Person): Promise<string[]> => {
  const text = await world.sync.respond({
    ...person,
    since: undefined,
    filter: EVERYTHING,
    fullState: false,
    stateAfter: undefined,
    presence: 'offline',
    timeoutMs: 0,
    cancellation: () => new Cancellation(),
  });
  const { rooms } = JSON.parse(await wholeText(text)) as { rooms?: { invite?: Record<string, unknown> } };
  return Object.keys(rooms?.invite ?? {});
};

describe('a user who blocks invites', () => {
  const setAction = (person: Person, action: string) =>
    world.accountData.set(
      person.user,
      GLOBAL,
      'm.invite_permission_config',
      JSON.stringify({ default_action: action }),
    );

  test('cannot be invited in any way, and sees no invite', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const early = await world.room(alice, { invite: [bob.userId] });
    expect(await invitesOf(bob)).toEqual([early.roomId]);
    await setAction(bob, 'block');
    expect(await invitesOf(bob)).toEqual([]);
    const first = await world.initialSync.respond({ ...bob, limit: 1, archived: false });
    expect(first).not.toContain(early.roomId);
    const head = await world.room(alice);
    const state = world.setState(alice, head, 'm.room.member', { membership: 'invite' }, bob.userId);
    expect(await refusal(state)).toBe('M_INVITE_BLOCKED');
    expect(await refusal(world.joining.invite(head, alice, bob.userId))).toBe('M_INVITE_BLOCKED');
    expect(await refusal(world.room(alice, { invite: [bob.userId] }))).toBe('M_INVITE_BLOCKED');
    await world.joining.join(head, bob);
    expect(await refusal(world.joining.kick(head, alice, bob.userId))).toBe('no refusal');
  });

  test('can be invited again afterwards; other values mean nothing', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    await setAction(bob, 'block');
    await setAction(bob, 'something');
    const head = await world.room(alice);
    expect(await refusal(world.joining.invite(head, alice, bob.userId))).toBe('no refusal');
    expect(await invitesOf(bob)).toEqual([head.roomId]);
  });
});

describe('a user who filters invites (MSC4155)', () => {
  const setFilter = (person: Person, filter: Record<string, readonly string[]>) =>
    world.accountData.setByClient(
      person.user,
      GLOBAL,
      'org.matrix.msc4155.invite_permission_config',
      JSON.stringify(filter),
    );
  const streamOf = async (person: Person, from: number) => {
    const request = {
      ...person,
      from,
      limit: undefined,
      timeoutMs: 0,
      roomIds: undefined,
      servers: [],
      cancellation: () => new Cancellation(),
    };
    return JSON.stringify(await world.eventStream.respond(request));
  };

  test('refuses the invites of blocked users in any way, and not those of others', async () => {
    const [alice, bob, eve] = [await world.person(), await world.person(), await world.person()];
    await setFilter(bob, { blocked_users: [eve.userId] });
    const head = await world.room(eve);
    const state = world.setState(eve, head, 'm.room.member', { membership: 'invite' }, bob.userId);
    expect(await refusal(state)).toBe('M_INVITE_BLOCKED');
    expect(await refusal(world.joining.invite(head, eve, bob.userId))).toBe('M_INVITE_BLOCKED');
    expect(await refusal(world.room(eve, { invite: [bob.userId] }))).toBe('M_INVITE_BLOCKED');
    const welcome = await world.room(alice, { invite: [bob.userId] });
    expect(await invitesOf(bob)).toEqual([welcome.roomId]);
  });

  test('does not see the invites of ignored users, who succeed, until the filter is changed', async () => {
    const [bob, eve] = [await world.person(), await world.person()];
    await setFilter(bob, { ignored_servers: ['test.*'] });
    const before = world.stream.current;
    const { roomId } = await world.room(eve, { invite: [bob.userId] });
    const first = () => world.initialSync.respond({ ...bob, limit: 1, archived: false });
    expect(await invitesOf(bob)).toEqual([]);
    expect(await first()).not.toContain(roomId);
    expect(await streamOf(bob, before)).not.toContain(roomId);
    await setFilter(bob, { allowed_users: [eve.userId], ignored_servers: ['test.*'] });
    expect(await invitesOf(bob)).toEqual([roomId]);
    expect(await first()).toContain(roomId);
    expect(await streamOf(bob, before)).toContain(roomId);
    await setFilter(bob, {});
    expect(await invitesOf(bob)).toEqual([roomId]);
  });
});
