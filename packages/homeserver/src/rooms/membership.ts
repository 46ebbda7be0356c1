import {
  badState,
  forbidden,
  guestAccessForbidden,
  invalidParam,
  MatrixError,
  unknown,
} from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { asArray, asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import { type AcceptDeps, accept } from './accept.ts';
import type { Head } from './head.ts';
import { checkInvites, type InviteDeps } from './invites.ts';
import { memberContent, type ProfileOf } from './member-content.ts';
import { powersIn } from './powers.ts';

export interface MembershipDeps extends AcceptDeps, InviteDeps {
  readonly profileOf: ProfileOf;
}

/** A user who acts on a membership. */
export interface Actor {
  readonly userId: string;
  readonly user: number;
  readonly isGuest: boolean;
}

/** Moves users in and out of rooms (client-server API, "Room membership"). All methods throw MatrixErrors. */
export class Memberships {
  readonly #deps: MembershipDeps;

  constructor(deps: MembershipDeps) {
    this.#deps = deps;
  }

  /** Joins the actor, with `more` in the member event. Somebody who has joined already stays as they are. */
  async join(head: Head, actor: Actor, more: JsonObject = {}): Promise<void> {
    const current = await head.state('m.room.member', actor.userId);
    if (current?.content.membership === 'join') return void (await head.pending);
    if (actor.isGuest) await this.#guestsMayJoin(head);
    const profile = await this.#deps.profileOf(actor.userId);
    const authoriser = await this.#authoriser(head, actor, asString(current?.content.membership));
    const content: JsonObject = {
      ...more,
      ...memberContent('join', profile),
      ...(current?.content.is_direct === true ? { is_direct: true } : {}),
      ...(authoriser === undefined ? {} : { join_authorised_via_users_server: authoriser }),
    };
    await this.#set(head, actor.userId, actor.userId, content);
  }

  /** Leaves a room, rejects an invite or takes a knock back. */
  async leave(head: Head, actor: Actor, reason?: string): Promise<void> {
    const current = await head.state('m.room.member', actor.userId);
    const membership = asString(current?.content.membership);
    if (membership === undefined) throw forbidden(`${actor.userId} is not in the room`);
    if (membership === 'leave') return void (await head.pending);
    await this.#set(head, actor.userId, actor.userId, memberContent('leave', {}, withReason(reason)));
  }

  async invite(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    this.#checkTarget(target);
    this.#checkLocal(target);
    const current = asString((await head.state('m.room.member', target))?.content.membership);
    if (current !== 'invite' && current !== 'join') await checkInvites(this.#deps, [target]);
    const profile = await this.#deps.profileOf(target);
    await this.#set(head, actor.userId, target, memberContent('invite', profile, withReason(reason)));
  }

  async knock(head: Head, actor: Actor, reason?: string): Promise<void> {
    const profile = await this.#deps.profileOf(actor.userId);
    await this.#set(head, actor.userId, actor.userId, memberContent('knock', profile, withReason(reason)));
  }

  /** Removes somebody who is in the room, invited to it or knocking. */
  async kick(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    this.#checkTarget(target);
    const membership = asString((await head.state('m.room.member', target))?.content.membership);
    if (membership === undefined || membership === 'leave' || membership === 'ban') {
      throw forbidden(`${target} is not in the room`);
    }
    await this.#set(head, actor.userId, target, memberContent('leave', {}, withReason(reason)));
  }

  async ban(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    this.#checkTarget(target);
    await this.#set(head, actor.userId, target, memberContent('ban', {}, withReason(reason)));
  }

  async unban(head: Head, actor: Actor, target: string, reason?: string): Promise<void> {
    this.#checkTarget(target);
    const membership = asString((await head.state('m.room.member', target))?.content.membership);
    if (membership !== 'ban') throw badState(`${target} is not banned`);
    await this.#set(head, actor.userId, target, memberContent('leave', {}, withReason(reason)));
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

  /** Whoever is removed at the same moment is not brought back by a new name. */
  async #setProfile(head: Head, userId: string, profile: Awaited<ReturnType<ProfileOf>>): Promise<void> {
    for (;;) {
      const current = await head.state('m.room.member', userId);
      if (current?.content.membership !== 'join') return;
      const {
        displayname: _name,
        avatar_url: _avatar,
        join_authorised_via_users_server: _via,
        ...rest
      } = current.content;
      const content = { ...rest, ...memberContent('join', profile) };
      const draft = { type: 'm.room.member', stateKey: userId, sender: userId, content };
      const isStale = () => head.known('m.room.member', userId) !== current;
      if ((await accept(this.#deps, head, [draft], { isStale })).length > 0) return;
    }
  }

  async #set(head: Head, sender: string, target: string, content: JsonObject): Promise<StoredEvent | undefined> {
    const [event] = await accept(this.#deps, head, [{ type: 'm.room.member', stateKey: target, sender, content }]);
    return event;
  }

  async #guestsMayJoin(head: Head): Promise<void> {
    const access = await head.state('m.room.guest_access');
    if (access?.content.guest_access !== 'can_join') throw guestAccessForbidden('Guests may not join this room');
  }

  /**
   * For a restricted room, a user of this server who may invite and in whose name the join goes (rooms/v8, "Restricted
   * rooms"); none when the join needs no such help. @throws MatrixError M_FORBIDDEN when no allowed room has the user
   */
  async #authoriser(head: Head, actor: Actor, membership: string | undefined): Promise<string | undefined> {
    const rules = (await head.state('m.room.join_rules'))?.content;
    const isRestricted = rules?.join_rule === 'restricted' || rules?.join_rule === 'knock_restricted';
    if (!isRestricted || membership === 'invite' || membership === 'ban') return undefined;
    for (const allow of asArray(rules.allow) ?? []) {
      if (!isObject(allow) || allow.type !== 'm.room_membership' || typeof allow.room_id !== 'string') continue;
      const other = await this.#deps.heads.find(allow.room_id);
      if (other?.joined.has(actor.user) === true) return this.#inviter(head);
    }
    throw forbidden('You are in none of the rooms whose members may join');
  }

  async #inviter(head: Head): Promise<string | undefined> {
    const powers = await powersIn(head);
    const needed = powers.to('invite');
    const members = await this.#deps.names.texts(head.joined);
    return [...members.values()].find(
      (userId) => domainOf(userId) === this.#deps.signer.serverName && powers.of(userId) >= needed,
    );
  }

  #checkTarget(target: string): void {
    if (parseUserId(target) === undefined) throw invalidParam(`${target} is no user id`);
  }

  #checkLocal(target: string): void {
    if (domainOf(target) !== this.#deps.signer.serverName) throw forbidden('This server does not federate yet');
  }
}

function withReason(reason: string | undefined): { reason?: string } {
  return reason === undefined ? {} : { reason };
}
