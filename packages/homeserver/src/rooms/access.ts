import { forbidden, MatrixError } from '@hearth/protocol/errors.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import { complete } from '../platform/lookups/lookups.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries } from '../storage/state/state-tree.ts';
import type { Head } from './head.ts';
import type { Heads } from './heads.ts';
import type { MembershipHistory } from './membership/membership-history.ts';
import type { UserRooms } from './membership/user-rooms.ts';
import type { PartialStates } from './partial-state/partial-states.ts';

interface Parts {
  readonly heads: Heads;
  readonly membershipHistory: MembershipHistory;
  readonly states: StateStore;
  readonly userRooms: UserRooms;
  readonly partialStates: PartialStates;
  readonly ignoredUsers: IgnoredUsers;
}

/** The reading user: decides about transaction ids, participation in threads and ignored senders. */
export interface Reader {
  readonly user: number;
  readonly device: number;
  readonly ignored: ReadonlySet<number>;
}

/**
 * The access of a user to a room.
 * - `member`: the user has joined and sees the current room.
 * - `past`: the user has left or was banned with the event `ended`, and sees the room at that event. `until` is the event
 *   with which the user's membership has changed last, such as the rejection of a later invite.
 * - `peeker`: the user is not a member, and the history is world readable.
 */
export type RoomAccess =
  | { readonly kind: 'member'; readonly head: Head }
  | { readonly kind: 'past'; readonly head: Head; readonly until: StoredEvent; readonly ended: StoredEvent }
  | { readonly kind: 'peeker'; readonly head: Head };

/** Opens rooms on other servers for users who read them without joining. */
export interface RoomOpener {
  /**
   * Opens a room, if another server permits it.
   * @param named the servers that may be in the room, as the client names them
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  open(roomId: string, user: number, named: readonly string[]): Promise<void>;
}

/** Decides who may read a room, and which state of it. */
export class RoomReaders {
  readonly #parts: Parts;
  #opener: RoomOpener | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns how a user may read a room. Unknown rooms are refused in the same way as closed ones, so that nobody can find
   * out which rooms exist.
   * @throws MatrixError M_FORBIDDEN
   */
  async access(roomId: string, user: number): Promise<RoomAccess> {
    const { heads, userRooms } = this.#parts;
    const head = await heads.find(roomId);
    if (head === undefined) throw forbidden('You are not in this room');
    if (head.joined.has(user)) return { kind: 'member', head };
    const row = await userRooms.one(user, head.num);
    if (row !== undefined && !row.forgotten && (row.membership === 'leave' || row.membership === 'ban')) {
      const departure = await this.#departure(row);
      if (departure !== undefined) return { kind: 'past', head, ...departure };
    }
    if (await isWorldReadable(head)) return { kind: 'peeker', head };
    throw forbidden('You are not in this room');
  }

  /** Opens rooms on other servers with `opener`. A server that does not federate opens none. */
  openWith(opener: RoomOpener): void {
    this.#opener = opener;
  }

  /**
   * Opens a room on other servers, if this server is not in it, so that a user may read it from outside. Returns the head of
   * the room; undefined if the room is still unknown. {@link access} tells afterwards whether the user may read it.
   * @param named the servers that may be in the room, as the client names them
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  async open(roomId: string, user: number, named: readonly string[]): Promise<Head | undefined> {
    const opener = this.#opener;
    if (opener !== undefined && (await this.#readsFromOutside(roomId, user))) await opener.open(roomId, user, named);
    return this.#parts.heads.find(roomId);
  }

  /** Returns whether a user is neither a member of a room nor was one, so that only its visibility matters. */
  async #readsFromOutside(roomId: string, user: number): Promise<boolean> {
    try {
      return (await this.access(roomId, user)).kind === 'peeker';
    } catch (error) {
      if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') return true;
      throw error;
    }
  }

  /** Returns the reader for the user and device of a request. */
  async reader({ user, device }: { readonly user: number; readonly device: number }): Promise<Reader> {
    return { user, device, ignored: await this.#parts.ignoredUsers.of(user) };
  }

  /** Returns the state that a user sees: the current one, or the one at the moment when the user left. */
  async state(access: RoomAccess): Promise<NodeRef> {
    if (access.kind !== 'past') return access.head.stored.root;
    const { snapshotAfter } = access.ended;
    const root = (await this.#parts.states.snapshots([snapshotAfter])).get(snapshotAfter);
    if (root === undefined) throw new Error('the state after a departure is missing');
    return root;
  }

  /**
   * Waits until the whole state of a room is known. Returns undefined if it is known.
   * @throws MatrixError M_UNKNOWN if it does not become known in time
   */
  whole({ head }: RoomAccess): Promise<void> | undefined {
    return this.#parts.partialStates.whole(head.num);
  }

  /**
   * Returns the numbers of the events of the state that a user sees, when the whole state is known.
   * @throws MatrixError M_UNKNOWN if it does not become known in time
   */
  async stateNums(access: RoomAccess): Promise<number[]> {
    await this.whole(access);
    return this.numsIn(await this.state(access));
  }

  /** Returns the numbers of all events of a state. */
  async numsIn(root: NodeRef): Promise<number[]> {
    await this.#parts.states.loadAll([root]);
    return entries(root).map(({ event }) => event);
  }

  /** Returns the latest change and the end of the last time in which a user was a member; `undefined` if the user never was. */
  #departure(row: MembershipRow): Promise<Pick<RoomAccess & { kind: 'past' }, 'until' | 'ended'> | undefined> {
    const { membershipHistory } = this.#parts;
    return complete((lookups) => {
      const end = membershipHistory.end(lookups, row);
      const latest = membershipHistory.latest(lookups, row);
      return end === undefined || latest === undefined ? undefined : { until: latest.cause, ended: end.cause };
    });
  }
}

/** Returns the reader for the user and device of a request, whose ignored users are known. */
export function readerOf(
  { user, device }: { readonly user: number; readonly device: number },
  ignored: ReadonlySet<number>,
): Reader {
  return { user, device, ignored };
}

/** Returns whether anybody may read the room as it is now. */
export async function isWorldReadable(head: Head): Promise<boolean> {
  return (await head.state('m.room.history_visibility'))?.content.history_visibility === 'world_readable';
}

/** Returns whether the user sees what happens in the room now, not only what happened while they were there. */
export async function seesPresent({ kind, head }: RoomAccess): Promise<boolean> {
  return kind !== 'past' || isWorldReadable(head);
}
