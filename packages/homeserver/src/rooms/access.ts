import { forbidden } from '@hearth/protocol/errors.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries, NOT_LOADED } from '../storage/state/state-tree.ts';
import type { Head } from './head.ts';
import type { Heads } from './heads.ts';
import type { UserRooms } from './membership/user-rooms.ts';

/** The stores that deciding about access reads. */
export interface AccessDeps {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly userRooms: UserRooms;
}

/**
 * How a user stands to a room whose contents they may see.
 * - `member`: has joined; sees the room as it is.
 * - `past`: has left or was banned by the event `ended`; sees the room as it was then. The event `until` is the
 *   user's latest member event, such as the rejection of a later invitation.
 * - `peeker`: is no member; the history is world readable.
 */
export type RoomAccess =
  | { readonly kind: 'member'; readonly head: Head }
  | { readonly kind: 'past'; readonly head: Head; readonly until: StoredEvent; readonly ended: StoredEvent }
  | { readonly kind: 'peeker'; readonly head: Head };

/**
 * Lets those in who may see anything of a room. Unknown rooms are refused in the same way as closed ones, so that
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

/** The result of {@link roomAccess} for members and peekers, if it is in memory. */
export function knownAccess({ heads, userRooms }: AccessDeps, roomId: string, user: number): RoomAccess | undefined {
  const head = heads.known(roomId);
  if (head?.joined.has(user) === true) return { kind: 'member', head };
  const rows = userRooms.cached(user);
  if (head === undefined || rows === undefined || rows.has(head.num)) return undefined;
  return worldReadableSince(head) === undefined ? undefined : { kind: 'peeker', head };
}

/** The number of the event since which anybody may read the room, if it is in memory and that is so. */
export function worldReadableSince(head: Head): number | undefined {
  const visibility = head.peek('m.room.history_visibility', '');
  if (visibility === undefined || visibility === NOT_LOADED) return undefined;
  return visibility.content.history_visibility === 'world_readable' ? visibility.num : undefined;
}

/** Whether anybody may read the room as it is now. */
export async function isWorldReadable(head: Head): Promise<boolean> {
  return (await head.state('m.room.history_visibility'))?.content.history_visibility === 'world_readable';
}

/** The state that a user sees: now, or at the moment they left. */
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

/** The event that ended the last time in which a user was a member; `undefined` if they never were. */
async function endOfMembership(deps: AccessDeps, until: StoredEvent): Promise<StoredEvent | undefined> {
  let event: StoredEvent | undefined = until;
  while (event !== undefined && event.replaces !== null) {
    const before: StoredEvent | undefined = await deps.events.one(event.replaces);
    if (before?.content.membership === 'join') return event;
    event = before;
  }
  return undefined;
}
