import { forbidden } from '@hearth/protocol/errors.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries, NOT_LOADED } from '../storage/state/state-tree.ts';
import type { Head } from './head.ts';
import type { Heads } from './heads.ts';
import type { UserRooms } from './membership/user-rooms.ts';

/** The stores that the access check reads. */
export interface AccessDeps {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly userRooms: UserRooms;
}

/**
 * The access of a user to a room.
 * - `member`: the user has joined and sees the current room.
 * - `past`: the user has left or was banned by the event `ended`, and sees the room at that event. `until` is the
 *   user's latest member event, such as the rejection of a later invite.
 * - `peeker`: the user is not a member, and the history is world readable.
 */
export type RoomAccess =
  | { readonly kind: 'member'; readonly head: Head }
  | { readonly kind: 'past'; readonly head: Head; readonly until: StoredEvent; readonly ended: StoredEvent }
  | { readonly kind: 'peeker'; readonly head: Head };

/**
 * Returns the access of a user who may see anything of a room. Unknown rooms are refused like closed rooms, so that
 * nobody can find out which rooms exist.
 * @throws MatrixError M_FORBIDDEN
 */
export async function roomAccess(deps: AccessDeps, roomId: string, user: number): Promise<RoomAccess> {
  const head = await deps.heads.find(roomId);
  if (head === undefined) throw forbidden('You are not in this room');
  if (head.joined.has(user)) return { kind: 'member', head };
  const row = await deps.userRooms.one(user, head.num);
  if (row !== undefined && !row.forgotten && (row.membership === 'leave' || row.membership === 'ban')) {
    const until = await deps.events.one(row.event);
    const ended = until === undefined ? undefined : await endOfMembership(deps, until);
    if (until !== undefined && ended !== undefined) return { kind: 'past', head, until, ended };
  }
  if (await isWorldReadable(head)) return { kind: 'peeker', head };
  throw forbidden('You are not in this room');
}

/** Returns the result of {@link roomAccess} for members and peekers, if it is cached. */
export function knownAccess({ heads, userRooms }: AccessDeps, roomId: string, user: number): RoomAccess | undefined {
  const head = heads.known(roomId);
  if (head?.joined.has(user) === true) return { kind: 'member', head };
  const rows = userRooms.cached(user);
  if (head === undefined || rows === undefined || rows.has(head.num)) return undefined;
  return worldReadableSince(head) === undefined ? undefined : { kind: 'peeker', head };
}

/**
 * Returns the number of the event that made the room world readable; undefined if it is not, or if that is not cached.
 */
export function worldReadableSince(head: Head): number | undefined {
  const visibility = head.peek('m.room.history_visibility', '');
  if (visibility === undefined || visibility === NOT_LOADED) return undefined;
  return visibility.content.history_visibility === 'world_readable' ? visibility.num : undefined;
}

/** Returns whether the room is world readable now. */
export async function isWorldReadable(head: Head): Promise<boolean> {
  return (await head.state('m.room.history_visibility'))?.content.history_visibility === 'world_readable';
}

/** Returns the state that a user sees: the current one, or the state when the user left. */
export async function visibleState(deps: AccessDeps, access: RoomAccess): Promise<NodeRef> {
  if (access.kind !== 'past') return access.head.stored.root;
  const { num } = access.ended;
  const root = (await deps.states.snapshots([num])).get(num);
  if (root === undefined) throw new Error('the state after a member event is missing');
  return root;
}

/** Returns whether the user sees what happens in the room now, not only what happened while they were there. */
export async function seesPresent({ kind, head }: RoomAccess): Promise<boolean> {
  return kind !== 'past' || isWorldReadable(head);
}

/** Returns the numbers of the events of the state that a user sees. */
export async function visibleStateNums(deps: AccessDeps, access: RoomAccess): Promise<number[]> {
  return stateEventNums(deps, await visibleState(deps, access));
}

/** Returns the numbers of all events of a state. */
export async function stateEventNums(deps: Pick<AccessDeps, 'states'>, root: NodeRef): Promise<number[]> {
  await deps.states.loadAll([root]);
  return entries(root).map(({ event }) => event);
}

/** Returns the event that ended the last membership of a user; `undefined` if there was none. */
async function endOfMembership(deps: AccessDeps, until: StoredEvent): Promise<StoredEvent | undefined> {
  let event: StoredEvent | undefined = until;
  while (event !== undefined && event.replaces !== null) {
    const before: StoredEvent | undefined = await deps.events.one(event.replaces);
    if (before?.content.membership === 'join') return event;
    event = before;
  }
  return undefined;
}
