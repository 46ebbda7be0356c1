import { forbidden, unableToAuthoriseJoin, unableToGrantJoin } from '@hearth/protocol/errors.ts';
import { asString } from '@hearth/protocol/json/value.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { allowedRooms, isRestrictedFor, type RestrictedJoins } from '../membership/restricted-join.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';

interface GrantParts {
  readonly names: Names;
  readonly heads: Heads;
  readonly servers: ServersInRooms;
  readonly restrictedJoins: RestrictedJoins;
}

/** Decides about joins of restricted rooms by users of other servers (server-server API, "Restricted rooms"). */
export class RestrictedGrants {
  readonly #parts: GrantParts;

  constructor(parts: GrantParts) {
    this.#parts = parts;
  }

  /**
   * Returns the user of this server who authorises a join; undefined when the join needs no authorisation.
   * @throws MatrixError M_FORBIDDEN if no condition is met, M_UNABLE_TO_AUTHORISE_JOIN if this server cannot tell,
   *   M_UNABLE_TO_GRANT_JOIN if no user of this server may invite
   */
  async authoriser(head: Head, userId: string): Promise<string | undefined> {
    if (!head.version.restrictedJoin) return undefined;
    const rules = await head.state('m.room.join_rules');
    const membership = asString((await head.state('m.room.member', userId))?.content.membership);
    if (!isRestrictedFor(membership, rules)) return undefined;
    await this.#checkConditions(allowedRooms(rules), userId);
    const authoriser = await this.#parts.restrictedJoins.inviter(head);
    if (authoriser === undefined) throw unableToGrantJoin('No user of this server may invite to the room');
    return authoriser;
  }

  /** @throws MatrixError M_FORBIDDEN, M_UNABLE_TO_AUTHORISE_JOIN */
  async #checkConditions(roomIds: readonly string[], userId: string): Promise<void> {
    const { names, heads, servers } = this.#parts;
    const user = await names.find(userId);
    let isUnknown = false;
    for (const roomId of roomIds) {
      const other = await heads.find(roomId);
      // The members of a room that this server has left may have changed since then.
      if (other === undefined || !(await servers.isLocal(other))) isUnknown = true;
      else if (user !== undefined && other.joined.has(user)) return;
    }
    if (isUnknown) throw unableToAuthoriseJoin('This server is not in all rooms whose members may join');
    throw forbidden('The user is in none of the rooms whose members are allowed to join');
  }
}
