import { badState, forbidden, MatrixError, notFound, unknown } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { MembershipRow, MembershipStore } from '../../storage/rooms/membership-store.ts';
import type { Actor } from '../actor.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { MemberChanges, MemberRequest } from './member-change.ts';
import { memberContent, type ProfileOf } from './member-content.ts';
import type { RemoteMemberships } from './remote-memberships.ts';
import type { UserRooms } from './user-rooms.ts';

interface MembershipsParts {
  readonly memberChanges: MemberChanges;
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly memberships: MembershipStore;
  readonly stream: Stream;
  readonly profileOf: ProfileOf;
}

/** Moves users in and out of rooms (client-server API, "Room membership"). All methods throw MatrixErrors. */
export class Memberships {
  readonly #parts: MembershipsParts;
  #remote: RemoteMemberships | undefined;

  constructor(parts: MembershipsParts) {
    this.#parts = parts;
  }

  /** Makes rooms of other servers available. */
  useRemote(remote: RemoteMemberships): void {
    this.#remote = remote;
  }

  /**
   * Joins the actor in a room of this or another server, with `more` in the member event.
   * @param servers names of servers that may be in the room
   */
  async joinById(roomId: string, actor: Actor, more: JsonObject, servers: readonly string[]): Promise<void> {
    const remote = this.#remote;
    const head = await this.#parts.heads.find(roomId);
    if (head !== undefined && (remote === undefined || (await remote.decidesHere(head, actor.userId)))) {
      try {
        return await this.join(head, actor, more);
      } catch (error) {
        // A server with a user who may invite has to authorise some joins of restricted rooms.
        const isRefused = error instanceof MatrixError && error.errcode === 'M_FORBIDDEN';
        if (!isRefused || remote === undefined || !(await isRestricted(head))) throw error;
        const content = await this.#contentOf('join', actor, more);
        return remote.join(roomId, actor, content, servers).catch(() => {
          throw error;
        });
      }
    }
    if (remote === undefined) throw notFound('The room does not exist');
    await remote.join(roomId, actor, await this.#contentOf('join', actor, more), servers);
  }

  /** Lets the actor knock at a room of this or another server. @param servers names of servers that may be in the room */
  async knockById(roomId: string, actor: Actor, reason: string | undefined, servers: readonly string[]): Promise<void> {
    const remote = this.#remote;
    const head = await this.#parts.heads.find(roomId);
    if (head !== undefined && (remote === undefined || (await remote.decidesHere(head, actor.userId))))
      return this.knock(head, actor, reason);
    if (remote === undefined) throw notFound('The room does not exist');
    const more: JsonObject = reason === undefined ? {} : { reason };
    await remote.knock(roomId, actor, await this.#contentOf('knock', actor, more), servers);
  }

  async #contentOf(membership: 'join' | 'knock', actor: Actor, more: JsonObject): Promise<JsonObject> {
    return { ...more, ...memberContent(membership, await this.#parts.profileOf(actor.userId)) };
  }

  /** Joins the actor, with `more` in the member event. Somebody who has joined already stays as they are. */
  async join(head: Head, actor: Actor, more: JsonObject = {}): Promise<void> {
    const content = await this.#contentOf('join', actor, more);
    await this.#change(head, { actor, target: actor.userId, content, check: (membership) => membership === 'join' });
  }

  /**
   * Leaves a room, rejects an invite or takes a knock back.
   * @param isDeactivation whether the actor leaves because the account is deactivated
   */
  async leave(head: Head, actor: Actor, reason?: string, isDeactivation = false): Promise<void> {
    if (this.#remote !== undefined && !(await this.#remote.decidesHere(head)))
      return this.#leaveOutside(this.#remote, head, actor, reason);
    const check = (membership: string | undefined) => {
      if (membership === undefined) throw forbidden(`${actor.userId} is not in the room`);
      return membership === 'leave';
    };
    await this.#change(head, { actor, target: actor.userId, content: content('leave', reason), check, isDeactivation });
  }

  async #leaveOutside(remote: RemoteMemberships, head: Head, actor: Actor, reason: string | undefined): Promise<void> {
    const row = await this.#parts.userRooms.one(actor.user, head.num);
    if (row === undefined) throw forbidden(`${actor.userId} is not in the room`);
    if (row.membership === 'leave') return;
    if (row.membership === 'ban') throw forbidden(`${actor.userId} is banned from the room`);
    await remote.leave(head, actor, content('leave', reason));
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
    const row = await this.#parts.userRooms.one(actor.user, head.num);
    if (row === undefined) throw forbidden(`${actor.userId} is not in the room`);
    if (row.membership !== 'leave' && row.membership !== 'ban') throw unknown('You are still in the room', 400);
    const forgotten: MembershipRow = { ...row, forgotten: true };
    const forget = this.#parts.memberships.forget(actor.user, head.num);
    await this.#parts.stream.commit([forget], [], () => this.#parts.userRooms.apply(forgotten));
  }

  /**
   * Makes a user leave every room they have joined, are invited to or knock at (client-server API, "Account
   * deactivation").
   * @throws AggregateError after the last room, if some could not be left
   */
  async leaveAll(user: number, userId: string): Promise<void> {
    const errors: unknown[] = [];
    for (const { room, membership } of (await this.#parts.userRooms.of(user)).values()) {
      if (membership !== 'join' && membership !== 'invite' && membership !== 'knock') continue;
      const head = await this.#parts.heads.byNum(room);
      if (head === undefined) continue;
      await this.leave(head, { user, userId, isGuest: false }, undefined, true).catch((error: unknown) =>
        errors.push(error),
      );
    }
    if (errors.length > 0) throw new AggregateError(errors, `${userId} could not leave ${errors.length} rooms`);
  }

  async #change(head: Head, request: MemberRequest): Promise<void> {
    await this.#parts.memberChanges.change(head, request);
  }
}

async function isRestricted(head: Head): Promise<boolean> {
  const rule = (await head.state('m.room.join_rules'))?.content.join_rule;
  return rule === 'restricted' || rule === 'knock_restricted';
}

function content(membership: 'leave' | 'invite' | 'knock' | 'ban', reason: string | undefined): JsonObject {
  return memberContent(membership, {}, reason === undefined ? {} : { reason });
}
