import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

const JOIN_RULES = ['invite', 'public', 'knock', 'restricted', 'knock_restricted'] as const;
const BEFORE = ['none', 'invite', 'knock', 'join', 'leave', 'ban'] as const;

describe.each(engines)('changing a membership on $name', (engine) => {
  let world: World;
  let owner: Person;
  let club: Head;
  beforeAll(async () => {
    world = await openWorld(engine);
    owner = await world.person();
    club = await world.room(owner);
  });
  afterAll(() => world.end());

  const room = (joinRule: string, guestAccess = 'forbidden') =>
    world.room(owner, {
      room_version: '11',
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: joinRule, allow: [{ type: 'm.room_membership', room_id: club.roomId }] },
        },
        { type: 'm.room.guest_access', content: { guest_access: guestAccess } },
      ],
    });
  const contentOf = async (head: Head, person: Person) => (await head.state('m.room.member', person.userId))?.content;
  const put = (head: Head, actor: Person, target: Person, content: JsonObject) =>
    world.sender.state(head.roomId, ['m.room.member', target.userId], content, { sender: actor });

  /** Brings somebody new to a membership, if the room lets them have it. */
  async function somebody(head: Head, before: (typeof BEFORE)[number], isGuest: boolean): Promise<Person> {
    const person = await world.person(isGuest);
    if (before === 'none') return person;
    if (before === 'ban') await world.joining.ban(head, owner, person.userId);
    else if (before === 'knock') await refusal(world.joining.knock(head, person));
    else await world.joining.invite(head, owner, person.userId);
    if (before === 'join' || before === 'leave') await refusal(world.joining.join(head, person));
    if (before === 'leave') await world.joining.leave(head, person);
    return person;
  }

  const situations = JOIN_RULES.flatMap((rule) =>
    BEFORE.flatMap((before) => [false, true].map((isGuest) => ({ rule, before, isGuest }))),
  );
  test.each(situations)('a state event joins as POST /join does: $rule, $before, guest $isGuest', async (situation) => {
    const { rule, before, isGuest } = situation;
    for (const access of isGuest ? ['forbidden', 'can_join'] : ['forbidden']) {
      for (const isInClub of isGuest ? [false] : [false, true]) {
        const head = await room(rule, access);
        const [one, other] = [await somebody(head, before, isGuest), await somebody(head, before, isGuest)];
        if (isInClub) for (const person of [one, other]) await world.joining.join(club, person);
        const posted = await refusal(world.joining.join(head, one));
        const forged = { membership: 'join', join_authorised_via_users_server: owner.userId };
        expect(await refusal(put(head, other, other, forged))).toBe(posted);
        const expected = (await contentOf(head, one))?.join_authorised_via_users_server;
        expect((await contentOf(head, other))?.join_authorised_via_users_server).toBe(expected);
        expect((await contentOf(head, other))?.membership).toBe((await contentOf(head, one))?.membership);
      }
    }
  });

  test('a guest cannot invite, knock, kick or ban through a state event', async () => {
    const head = await room('knock', 'can_join');
    const [guest, bob] = [await world.person(true), await world.person()];
    for (const membership of ['invite', 'ban', 'leave']) {
      expect(await refusal(put(head, guest, bob, { membership }))).toBe('M_GUEST_ACCESS_FORBIDDEN');
    }
    expect(await refusal(put(head, guest, guest, { membership: 'knock' }))).toBe('M_GUEST_ACCESS_FORBIDDEN');
  });

  test('a user may have a name of their own in a room, an invited user is named by their profile', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    await world.profiles.set(alice.user, alice.userId, 'displayname', 'Alice');
    await world.profiles.set(bob.user, bob.userId, 'displayname', 'Bob');
    const head = await room('public');
    await world.joining.join(head, alice);
    await put(head, alice, alice, { membership: 'join', displayname: 'Queen' });
    expect(await contentOf(head, alice)).toMatchObject({ membership: 'join', displayname: 'Queen' });
    await put(head, owner, bob, {
      membership: 'invite',
      displayname: 'Fool',
      third_party_invite: { display_name: 'x' },
    });
    expect(await contentOf(head, bob)).toEqual({ membership: 'invite', displayname: 'Bob' });
  });

  test('changes that exclude each other, made at once, leave what the last of them says', async () => {
    const bob = await world.person();
    const head = await room('public');
    await world.joining.join(head, bob);
    const outcomes = await Promise.all([
      refusal(world.joining.ban(head, owner, bob.userId)),
      refusal(world.joining.unban(head, owner, bob.userId)),
      refusal(world.joining.kick(head, owner, bob.userId)),
      refusal(world.joining.leave(head, bob)),
    ]);
    expect(outcomes[0]).toBe('no refusal');
    expect(outcomes[2]).toBe('M_FORBIDDEN');
    expect((await contentOf(head, bob))?.membership).toBe(outcomes[1] === 'no refusal' ? 'leave' : 'ban');
  });

  test('a user who leaves the room that lets them in while they join stays outside', async () => {
    const bob = await world.person();
    const head = await room('restricted');
    await world.joining.join(club, bob);
    const [joined] = await Promise.all([
      refusal(world.joining.join(head, bob)),
      refusal(world.joining.leave(club, bob)),
    ]);
    const isMember = (await contentOf(head, bob))?.membership === 'join';
    expect(joined).toBe(isMember ? 'no refusal' : 'M_FORBIDDEN');
  });
});
