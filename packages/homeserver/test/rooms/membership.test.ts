import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

describe('membership', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const membershipOf = async (head: Head, { userId }: Person) =>
    (await head.state('m.room.member', userId))?.content.membership;
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

  test('invited, joined, left, forgotten, and what is refused on the way', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, {});
    expect(await refusal(world.joining.join(head, bob))).toBe('M_FORBIDDEN');
    expect(await refusal(world.joining.leave(head, bob))).toBe('M_FORBIDDEN');
    await world.joining.invite(head, alice, bob.userId, 'why not');
    expect((await head.state('m.room.member', bob.userId))?.content).toEqual({
      membership: 'invite',
      reason: 'why not',
      displayname: expect.any(String),
    });
    await world.joining.join(head, bob);
    await world.joining.join(head, bob);
    expect(await refusal(world.joining.forget(head, bob))).toBe('M_UNKNOWN');
    await world.joining.leave(head, bob);
    await world.joining.leave(head, bob);
    await world.joining.forget(head, bob);
    expect(await world.userRooms.one(bob.user, head.num)).toMatchObject({ membership: 'leave', forgotten: true });
    expect(await refusal(world.joining.join(head, bob))).toBe('M_FORBIDDEN');
  });

  test('kicked, banned and unbanned by those who may', async () => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    await world.joining.join(head, carol);
    expect(await refusal(world.joining.kick(head, bob, carol.userId))).toBe('M_FORBIDDEN');
    await world.joining.kick(head, alice, carol.userId, 'out');
    expect(await refusal(world.joining.kick(head, alice, carol.userId))).toBe('M_FORBIDDEN');
    await world.joining.ban(head, alice, bob.userId);
    expect(await refusal(world.joining.join(head, bob))).toBe('M_FORBIDDEN');
    expect(await refusal(world.joining.unban(head, alice, carol.userId))).toBe('M_BAD_STATE');
    await world.joining.unban(head, alice, bob.userId);
    await world.joining.join(head, bob);
    expect(head.joined).toEqual(new Set([alice.user, bob.user]));
    expect(head.row.joined).toBe(2);
  });

  test('knocking, where the room lets people knock', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice, {});
    expect(await refusal(world.joining.knock(head, bob))).toBe('M_FORBIDDEN');
    await world.setState(alice, head, 'm.room.join_rules', { join_rule: 'knock' });
    await world.joining.knock(head, bob, 'please');
    expect(await membershipOf(head, bob)).toBe('knock');
    await world.joining.invite(head, alice, bob.userId);
    await world.joining.join(head, bob);
    expect(await membershipOf(head, bob)).toBe('join');
  });

  test.each(['8', '9', '10', '11', '12'])('a restricted room of version %s', async (version) => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const club = await world.room(alice);
    const allow = [{ type: 'm.room_membership', room_id: club.roomId }];
    const rules = { type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } };
    const head = await world.room(alice, { room_version: version, initial_state: [rules] });
    expect(await refusal(world.joining.join(head, bob))).toBe('M_FORBIDDEN');
    await world.joining.join(club, bob);
    await world.joining.join(head, bob);
    expect((await head.state('m.room.member', bob.userId))?.content.join_authorised_via_users_server).toBe(
      alice.userId,
    );
    await world.joining.invite(head, alice, carol.userId);
    await world.joining.join(head, carol);
    const byInvite = (await head.state('m.room.member', carol.userId))?.content;
    expect(byInvite).not.toHaveProperty('join_authorised_via_users_server');
    await world.joining.leave(club, bob);
    await world.joining.leave(head, bob);
    expect(await refusal(world.joining.join(head, bob))).toBe('M_FORBIDDEN');
  });

  test('guests join only where they may, and leave when they no longer may', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const [guest, other] = [await world.person(true), await world.person(true)];
    const head = await world.room(alice);
    expect(await refusal(world.joining.join(head, guest))).toBe('M_GUEST_ACCESS_FORBIDDEN');
    await world.setState(alice, head, 'm.room.guest_access', { guest_access: 'can_join' });
    for (const person of [bob, guest, other]) await world.joining.join(head, person);
    await world.say(guest, head, 'hello');
    await world.setState(alice, head, 'm.room.guest_access', { guest_access: 'forbidden' });
    await settled();
    expect(head.joined).toEqual(new Set([alice.user, bob.user]));
    expect(await membershipOf(head, guest)).toBe('leave');
    expect(await refusal(world.joining.join(head, guest))).toBe('M_GUEST_ACCESS_FORBIDDEN');

    const again = await world.setState(alice, head, 'm.room.guest_access', { guest_access: 'can_join' });
    await world.joining.join(head, guest);
    const message = await world.say(bob, head, 'redacted without consequences');
    await world.redact(alice, head, message.eventId);
    await settled();
    expect(await membershipOf(head, guest)).toBe('join');
    await world.redact(alice, head, again.eventId);
    await settled();
    expect(await membershipOf(head, guest)).toBe('leave');
    expect(world.faults).toEqual([]);
  });
});
