import { badState, forbidden, MatrixError, unknown } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { accept, untilAccepted } from '../accept.ts';
import type { Actor } from '../actor.ts';
import { Basis } from '../events/basis.ts';
import type { Head } from '../head.ts';
import { changeMembership, type MemberChangeDeps, type MemberRequest } from './member-change.ts';
import { memberContent, type ProfileOf } from './member-content.ts';

/** Moves users in and out of rooms (client-server API, "Room membership"). All methods throw MatrixErrors. */
export class Memberships {
  readonly #deps: MemberChangeDeps;

  constructor(deps: MemberChangeDeps) {
    this.#deps = deps;
  }

  /** Joins the actor, with `more` in the member event. Somebody who has joined already stays as they are. */
  async join(head: Head, actor: Actor, more: JsonObject = {}): Promise<void> {
    const profile = await this.#deps.profileOf(actor.userId);
    const content = { ...more, ...memberContent('join', profile) };
    await this.#change(head, { actor, target: actor.userId, content, check: (membership) => membership === 'join' });
  }

  /** Leaves a room, rejects an invite or takes a knock back. */
  async leave(head: Head, actor: Actor, reason?: string): Promise<void> {
    const check = (membership: string | undefined) => {
      if (membership === undefined) throw forbidden(`${actor.userId} is not in the room`);
      return membership === 'leave';
    };
    await this.#change(head, { actor, target: actor.userId, content: content('leave', reason), check });
  }

  async invite(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    await this.#change(head, { actor, target, content: content('invite', reason) });
  }

  async knock(head: Head, actor: Actor, reason?: string): Promise<void> {
    await this.#change(head, { actor, target: actor.userId, content: content('knock', reason) });
  }

  /** Removes somebody who is in the room, invited to it or knocking. */
  async kick(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    const check = (membership: string | undefined) => {
      if (membership === undefined || membership === 'leave' || membership === 'ban') {
        throw forbidden(`${target} is not in the room`);
      }
      return false;
    };
    await this.#change(head, { actor, target, content: content('leave', reason), check });
  }

  async ban(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    await this.#change(head, { actor, target, content: content('ban', reason) });
  }

  async unban(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    const check = (membership: string | undefined) => {
      if (membership !== 'ban') throw badState(`${target} is not banned`);
      return false;
    };
    await this.#change(head, { actor, target, content: content('leave', reason), check });
  }

  /** Makes the room disappear for somebody who has left it. @throws MatrixError M_UNKNOWN while still in it */
  async forget(head: Head, actor: Actor): Promise<void> {
    const row = await this.#deps.userRooms.one(actor.user, head.num);
    if (row === undefined) throw forbidden(`${actor.userId} is not in the room`);
    if (row.membership !== 'leave' && row.membership !== 'ban') throw unknown('You are still in the room', 400);
    const forgotten: MembershipRow = { ...row, forgotten: true };
    const forget = this.#deps.memberships.forget(actor.user, head.num);
    await this.#deps.stream.commit([forget], [], () => this.#deps.userRooms.apply(forgotten));
  }

  /** Puts a changed profile into the member events of every room that the user has joined. */
  async profileChanged(userId: string, user: number): Promise<void> {
    const rooms = await this.#deps.userRooms.of(user);
    const profile = await this.#deps.profileOf(userId);
    for (const row of rooms.values()) {
      if (row.membership !== 'join') continue;
      const head = await this.#deps.heads.byNum(row.room);
      if (head === undefined) continue;
      try {
        await this.#setProfile(head, userId, profile);
      } catch (error) {
        // The rules of this room refuse it; the other rooms learn of it all the same.
        if (!(error instanceof MatrixError)) throw error;
      }
    }
  }

  /** A user who is removed at the same moment is not brought back by a new name. */
  async #setProfile(head: Head, userId: string, profile: Awaited<ReturnType<ProfileOf>>): Promise<void> {
    await untilAccepted(this.#deps, head, async (current) => {
      const member = await current.state('m.room.member', userId);
      if (member?.content.membership !== 'join') return null;
      const {
        displayname: _name,
        avatar_url: _avatar,
        join_authorised_via_users_server: _via,
        ...rest
      } = member.content;
      const content = { ...rest, ...memberContent('join', profile) };
      const draft = { type: 'm.room.member', stateKey: userId, sender: userId, content };
      const basis = new Basis([[['m.room.member', userId], member]]);
      const [event] = await accept(this.#deps, current, [draft], { basis });
      return event;
    });
  }

  async #change(head: Head, request: MemberRequest): Promise<void> {
    await changeMembership(this.#deps, head, request);
  }
}

function content(membership: 'leave' | 'invite' | 'knock' | 'ban', reason: string | undefined): JsonObject {
  return memberContent(membership, {}, reason === undefined ? {} : { reason });
}
