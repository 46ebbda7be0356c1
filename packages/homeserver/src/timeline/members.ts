import { invalidParam } from '@hearth/protocol/errors.ts';
import type { RoomAccess } from '../rooms/access.ts';
import { type AccessDeps, visibleState } from '../rooms/access.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { Names } from '../storage/engine/names.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { MembershipStore } from '../storage/rooms/membership-store.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import { entries } from '../storage/state/state-tree.ts';
import { parseToken, seqOfToken } from './position.ts';

export interface MembersDeps extends AccessDeps {
  readonly names: Names;
  readonly memberships: MembershipStore;
  readonly timelines: TimelineStore;
}

/** Which members (client-server API, "GET /rooms/{roomId}/members"); `at` is a token of the moment in question. */
export interface MembersQuery {
  readonly at?: string | undefined;
  readonly membership?: string | undefined;
  readonly not_membership?: string | undefined;
}

/** Returns the numbers of the member events that a user sees of a room, whatever their membership. */
export async function memberEventNums(
  deps: MembersDeps,
  access: RoomAccess,
  at: string | undefined,
): Promise<readonly number[]> {
  const root = at === undefined ? await visibleState(deps, access) : await stateAt(deps, access, at);
  const member = await deps.names.num('m.room.member');
  await deps.states.loadAll([root]);
  return entries(root)
    .filter(({ type }) => type === member)
    .map(({ event }) => event);
}

/** Returns whether a member event has a membership that the query asks for. */
export function isWantedMember(event: StoredEvent, query: MembersQuery): boolean {
  const membership = membershipOf(event);
  return (query.membership ?? membership) === membership && query.not_membership !== membership;
}

/** The place of the creator's member event in a room's timeline. */
const CREATOR_JOINED = 2;

/** The state just after the last event at or before a token; for past members not later than their leaving. */
async function stateAt(deps: MembersDeps, access: RoomAccess, at: string): Promise<NodeRef> {
  const room = access.head.num;
  const last = access.kind === 'past' ? (access.ended.seq ?? 0) : access.head.row.seq;
  // A position before the room's first event means the beginning of the room, when only the creator has joined.
  const seq = Math.min(Math.max(await seqOfToken(deps.timelines, room, parseToken(at, 'at')), CREATOR_JOINED), last);
  const [num] = await deps.timelines.page({ room, after: seq - 1, upTo: seq }, true, 1);
  const event = num === undefined ? undefined : await deps.events.one(num);
  if (event === undefined) throw invalidParam('at is before the room existed');
  const root = (await deps.states.snapshots([event.snapshotAfter])).get(event.snapshotAfter);
  if (root === undefined) throw new Error('the state of an accepted event is missing');
  return root;
}
