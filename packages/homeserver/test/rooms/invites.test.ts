import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../../src/account-data/user-data.ts';
import { EVERYTHING } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

describe('a user who blocks invites', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const setAction = (person: Person, action: string) =>
    world.accountData.set(
      person.user,
      GLOBAL,
      'm.invite_permission_config',
      JSON.stringify({ default_action: action }),
    );
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
