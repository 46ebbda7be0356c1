import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { InvitePermission } from '../account-data/invite-permission.ts';
import { concat, type Text } from '../platform/long-text.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import { readerOf } from '../timeline/hydrate.ts';
import type { LazyChain } from './lazy-members-cache.ts';
import { type OutsideDeps, outsideRooms } from './outside-rooms.ts';
import { type PeekedDeps, peekedRooms } from './peeks.ts';
import type { SyncFilter } from './request.ts';
import { type RoomSectionDeps, roomSections, type StateAfterName } from './room-sections.ts';
import { firstSkeleton, nextSkeleton, type Skeleton, type SkeletonChoice, unchangedRooms } from './skeleton.ts';

export interface AnswerDeps extends RoomSectionDeps, OutsideDeps, PeekedDeps {
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
}

/** The user and device that ask, and the parameters. */
export interface Asked {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly fullState: boolean;
  readonly stateAfter: StateAfterName | undefined;
}

type Rows = ReadonlyMap<number, MembershipRow>;

/** The range of an answer: two positions, and the user's memberships at the second. */
export interface Range {
  readonly since: number | undefined;
  readonly upTo: number;
  readonly rows: Rows;
  /** The request as far as it concerns lazy members; absent for a client that gets all of them. */
  readonly lazy?: LazyChain | undefined;
}

/** The parts of an answer about rooms and outside them: everything between two positions, empty if there is nothing. */
export async function wholeAnswer(deps: AnswerDeps, request: Asked, filter: SyncFilter, range: Range): Promise<Text> {
  const reader = readerOf(request, await deps.ignoredUsers.of(request.user));
  const hides = { ignored: reader.ignored, blocks: await deps.invitePermission.blocks(request.user) };
  const own = await skeletonOf(deps, request, { filter, hides }, range);
  const isPeeking = deps.peeks.of(request.device).size > 0;
  const skeleton = isPeeking ? { ...own, peeked: await peekedRooms(deps, request, range, filter) } : own;
  const inRooms = await roomSections(deps, { ...request, ...range, reader, filter }, skeleton);
  const met = range.since === undefined ? NOBODY : await newlyMet(deps, skeleton);
  const outside = await outsideRooms(deps, request.user, { since: range.since, met }, filter);
  return concat(outside, inRooms);
}

const NOBODY: ReadonlySet<number> = new Set();

/** The users who have come to share a room with the user: everybody in a room that is new to the user, and new members. */
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

async function skeletonOf(
  deps: AnswerDeps,
  request: Asked,
  choice: SkeletonChoice,
  { since, upTo, rows: all }: Range,
): Promise<Skeleton> {
  const { room } = choice.filter;
  const roomIds = room === undefined ? undefined : await deps.names.texts(all.keys());
  const rows = room === undefined ? all : new Map([...all].filter(([num]) => room(roomIds?.get(num) ?? '')));
  if (since === undefined) return firstSkeleton(deps, rows, upTo, choice);
  const skeleton = await nextSkeleton(deps, request.user, rows, { since, upTo }, choice);
  if (!request.fullState) return skeleton;
  const there = new Set(skeleton.joined.map(({ row }) => row.room));
  const others = [...rows.values()].filter((row) => row.membership === 'join' && !there.has(row.room));
  return { ...skeleton, joined: [...skeleton.joined, ...(await unchangedRooms(deps, others))] };
}
