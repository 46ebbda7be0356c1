import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { InvitePermission } from '../account-data/invite-permission.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import { readerOf } from '../timeline/hydrate.ts';
import { type OutsideDeps, outsideRooms } from './outside-rooms.ts';
import { type PeekedDeps, peekedRooms } from './peeks.ts';
import type { SyncFilter } from './request.ts';
import { type RoomSectionDeps, roomSections, type StateAfterName } from './room-sections.ts';
import { firstSkeleton, nextSkeleton, type Skeleton, unchangedRooms } from './skeleton.ts';

export interface AnswerDeps extends RoomSectionDeps, OutsideDeps, PeekedDeps {
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
}

/** Who asks, and how. */
export interface Asked {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly fullState: boolean;
  readonly stateAfter: StateAfterName | undefined;
}

type Rows = ReadonlyMap<number, MembershipRow>;

/** What an answer covers: the time between two positions, and the user's memberships at the second. */
export interface Range {
  readonly since: number | undefined;
  readonly upTo: number;
  readonly rows: Rows;
}

/** What an answer says of rooms and what is outside them: everything between two positions, empty if there is nothing. */
export async function wholeAnswer(deps: AnswerDeps, request: Asked, filter: SyncFilter, range: Range): Promise<string> {
  const reader = readerOf(request, await deps.ignoredUsers.of(request.user));
  const own = await withoutBlocked(deps, request.user, await skeletonOf(deps, request, filter, range));
  const isPeeking = deps.peeks.of(request.device).size > 0;
  const skeleton = isPeeking ? { ...own, peeked: await peekedRooms(deps, request, range, filter) } : own;
  const inRooms = await roomSections(deps, { ...request, ...range, reader, filter }, skeleton);
  const met = range.since === undefined ? NOBODY : await newlyMet(deps, skeleton);
  const outside = await outsideRooms(deps, request.user, { since: range.since, met }, filter);
  return `${outside}${inRooms}`;
}

const NOBODY: ReadonlySet<number> = new Set();

/** Whom the user has come to share a room with: everybody in a room that is new to them, and who has come into one. */
async function newlyMet(deps: AnswerDeps, { joined }: Skeleton): Promise<ReadonlySet<number>> {
  let met: Set<number> | undefined;
  for (const { row, isNew } of joined) {
    if (isNew) met = (met ?? new Set()).union((await deps.heads.byNum(row.room))?.joined ?? NOBODY);
  }
  for (const event of await deps.events.list(joined.flatMap(({ nums }) => nums))) {
    if (event.type !== 'm.room.member' || event.stateKeyNum === null || event.content.membership !== 'join') continue;
    met ??= new Set();
    met.add(event.stateKeyNum);
  }
  return met ?? NOBODY;
}

/** Who blocks invites is told of none (client-server API, "Invite permission"). */
async function withoutBlocked(deps: AnswerDeps, user: number, skeleton: Skeleton): Promise<Skeleton> {
  if (skeleton.invited.length === 0 || !(await deps.invitePermission.blocks(user))) return skeleton;
  return { ...skeleton, invited: [] };
}

async function skeletonOf(
  deps: AnswerDeps,
  request: Asked,
  filter: SyncFilter,
  { since, upTo, rows: all }: Range,
): Promise<Skeleton> {
  const { room } = filter;
  const roomIds = room === undefined ? undefined : await deps.names.texts(all.keys());
  const rows = room === undefined ? all : new Map([...all].filter(([num]) => room(roomIds?.get(num) ?? '')));
  if (since === undefined) return firstSkeleton(deps, rows, upTo, filter);
  const skeleton = await nextSkeleton(deps, rows, { since, upTo }, filter);
  if (!request.fullState) return skeleton;
  const there = new Set(skeleton.joined.map(({ row }) => row.room));
  const others = [...rows.values()].filter((row) => row.membership === 'join' && !there.has(row.room));
  return { ...skeleton, joined: [...skeleton.joined, ...(await unchangedRooms(deps, others))] };
}
