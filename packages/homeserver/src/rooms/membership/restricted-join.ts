import { forbidden } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { asArray, isObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Actor } from '../actor.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { powersIn } from '../powers.ts';

/** The reason why a user may join a restricted room. */
export interface Authorisation {
  /** A user of this server who may invite, for `join_authorised_via_users_server`; absent if there is none. */
  readonly authoriser: string | undefined;
  /** Returns whether the user still is in the room that lets them join this one. */
  readonly holds: () => boolean;
}

/** Returns whether a user with a membership joins only if a condition of the join rules is met. */
export function isRestrictedFor(membership: string | undefined, rules: StoredEvent | undefined): boolean {
  const joinRule = rules?.content.join_rule;
  const isRestricted = joinRule === 'restricted' || joinRule === 'knock_restricted';
  return isRestricted && membership !== 'join' && membership !== 'invite' && membership !== 'ban';
}

/** Returns the rooms whose members may join according to restricted join rules. */
export function allowedRooms(rules: StoredEvent | undefined): string[] {
  return (asArray(rules?.content.allow) ?? []).flatMap((allow) =>
    isObject(allow) && allow.type === 'm.room_membership' && typeof allow.room_id === 'string' ? [allow.room_id] : [],
  );
}

/** Joins of restricted rooms (rooms/v8, "Restricted rooms"). */
export class RestrictedJoins {
  readonly #heads: Heads;
  readonly #names: Names;
  readonly #serverName: string;

  constructor(heads: Heads, names: Names, serverName: string) {
    this.#heads = heads;
    this.#names = names;
    this.#serverName = serverName;
  }

  /**
   * Returns the user who authorises a join of a restricted room; undefined when the join needs no authorisation,
   * because the room is not restricted or the user is invited or has already joined.
   * @throws MatrixError M_FORBIDDEN when the user is in none of the rooms that the join rules name
   */
  async authorise(
    head: Head,
    actor: Actor,
    { membership, rules }: { readonly membership: string | undefined; readonly rules: StoredEvent | undefined },
  ): Promise<Authorisation | undefined> {
    if (!isRestrictedFor(membership, rules)) return undefined;
    for (const roomId of allowedRooms(rules)) {
      const other = await this.#heads.find(roomId);
      if (other?.joined.has(actor.user) !== true) continue;
      return { authoriser: await this.inviter(head), holds: () => !other.isAbandoned && other.joined.has(actor.user) };
    }
    throw forbidden('You are in none of the rooms whose members are allowed to join');
  }

  /** Returns a member of this server who may invite. */
  async inviter(head: Head): Promise<string | undefined> {
    const powers = await powersIn(head);
    const needed = powers.to('invite');
    const members = await this.#names.texts(head.joined);
    return [...members.values()].find((userId) => domainOf(userId) === this.#serverName && powers.of(userId) >= needed);
  }
}
