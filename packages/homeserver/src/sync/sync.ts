import type { AccountData } from '../account-data/account-data.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { InvitePermission } from '../account-data/invite-permission.ts';
import type { Filter } from '../filters/filter.ts';
import type { Clock } from '../platform/clock.ts';
import type { Presences } from '../presence/presence.ts';
import type { PresenceState } from '../presence/user-presence.ts';
import type { UserRooms } from '../rooms/user-rooms.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import type { Stream } from '../storage/stream.ts';
import { readerOf } from '../timeline/hydrate.ts';
import { syncToken } from '../timeline/position.ts';
import { type DeviceSectionDeps, deviceSections } from './device-sections.ts';
import type { Interest, Notifier } from './notifier.ts';
import { type OutsideDeps, outsideRooms } from './outside-rooms.ts';
import { type PeekedDeps, peekedRooms } from './peeks.ts';
import { presentOf } from './present.ts';
import { prepareFilter, type SyncFilter } from './request.ts';
import { type RoomSectionDeps, roomSections, type StateAfterName } from './room-sections.ts';
import { firstSkeleton, nextSkeleton, type Skeleton, unchangedRooms } from './skeleton.ts';

export interface SyncDeps extends RoomSectionDeps, OutsideDeps, PeekedDeps, DeviceSectionDeps {
  readonly clock: Clock;
  readonly stream: Stream;
  readonly userRooms: UserRooms;
  readonly notifier: Notifier;
  readonly accountData: AccountData;
  readonly ignoredUsers: IgnoredUsers;
  readonly invitePermission: InvitePermission;
  readonly presences: Presences;
}

/** A `/sync` request. */
export interface SyncRequest {
  readonly user: number;
  readonly userId: string;
  readonly device: number;
  readonly since: number | undefined;
  /** Where messages to the device go on, if not at `since`. */
  readonly toDevice?: number | undefined;
  readonly filter: Filter;
  readonly fullState: boolean;
  readonly stateAfter: StateAfterName | undefined;
  readonly presence: PresenceState;
  readonly timeoutMs: number;
  /** Aborts when the client has gone; only asked for by a request that waits. */
  readonly signal: () => AbortSignal;
}

/** `GET /sync` (client-server API, "Syncing"): the answer as JSON text. Waits for news if there are none. */
export async function sync(deps: SyncDeps, request: SyncRequest): Promise<string> {
  const filter = prepareFilter(request.filter);
  const deadline = deps.clock.elapsed() + request.timeoutMs;
  if (request.presence !== 'offline') await deps.presences.synced(request.user, request.presence, request.timeoutMs);
  // A token from the future, as after a restored backup, is one for now.
  const now = deps.stream.current;
  let since = request.since === undefined ? undefined : Math.min(request.since, now);
  let toDevice = request.toDevice === undefined ? since : Math.min(request.toDevice, now);
  if (filter.lazyMembers) deps.lazyMembers.asked(request.device, since);
  for (;;) {
    const { rows, upTo } = await presentOf(deps, request.user);
    const forDevice = await deviceSections(deps, request, { since, toDevice, upTo, rows });
    const body = (await answer(deps, request, filter, { since, upTo, rows })) + forDevice.text;
    const waitMs = deadline - deps.clock.elapsed();
    const isDue = since === undefined || request.fullState || waitMs <= 0;
    const { through } = forDevice;
    if (body !== '' || isDue)
      return `{"next_batch":"${syncToken(upTo, through)}"${body}${await keyCounts(deps, request)}}`;
    // Nothing has happened up to here, so the next look begins here.
    since = upTo;
    toDevice = upTo;
    const signal = request.signal();
    await deps.notifier.wait(interestOf(deps, request), upTo, waitMs, signal);
    if (signal.aborted) return `{"next_batch":"${syncToken(upTo, undefined)}"${await keyCounts(deps, request)}}`;
  }
}

/** What keys the device has: clients have to be told with every answer. */
async function keyCounts({ claimableKeys }: SyncDeps, { device }: SyncRequest): Promise<string> {
  return (await claimableKeys.stockOf(device)).syncText;
}

/** What the client waits for: its user's rooms, and those that it looks into. */
function interestOf({ peeks }: SyncDeps, { user, device }: SyncRequest): Interest {
  const rooms = peeks.of(device);
  return rooms.size === 0 ? { user, device } : { user, device, also: new Set(rooms.keys()) };
}

type Rows = ReadonlyMap<number, MembershipRow>;

/** What an answer covers: the time between two positions, and the user's memberships at the second. */
interface Range {
  readonly since: number | undefined;
  readonly upTo: number;
  readonly rows: Rows;
}

/** Everything between two positions; empty if there is nothing. */
async function answer(deps: SyncDeps, request: SyncRequest, filter: SyncFilter, range: Range): Promise<string> {
  const reader = readerOf(request, await deps.ignoredUsers.of(request.user));
  const own = await withoutBlocked(deps, request.user, await skeletonOf(deps, request, filter, range));
  const isPeeking = deps.peeks.of(request.device).size > 0;
  const skeleton = isPeeking ? { ...own, peeked: await peekedRooms(deps, request, range, filter) } : own;
  const inRooms = await roomSections(deps, { ...request, ...range, reader, filter }, skeleton);
  const met = range.since === undefined ? NOBODY : newlyMet(deps, skeleton);
  const outside = await outsideRooms(deps, request.user, { since: range.since, met }, filter);
  return `${outside}${inRooms}`;
}

const NOBODY: ReadonlySet<number> = new Set();

/** Whom the user has come to share a room with: everybody in a room that is new to them, and who has come into one. */
function newlyMet(deps: SyncDeps, { joined }: Skeleton): ReadonlySet<number> {
  let met: Set<number> | undefined;
  for (const { row, isNew, nums } of joined) {
    if (isNew) met = (met ?? new Set()).union(deps.heads.cached(row.room)?.joined ?? NOBODY);
    for (const num of nums) {
      const event = deps.events.cached(num);
      if (event?.type !== 'm.room.member' || event.stateKeyNum === null || event.content.membership !== 'join')
        continue;
      met ??= new Set();
      met.add(event.stateKeyNum);
    }
  }
  return met ?? NOBODY;
}

/** Who blocks invites is told of none (client-server API, "Invite permission"). */
async function withoutBlocked(deps: SyncDeps, user: number, skeleton: Skeleton): Promise<Skeleton> {
  if (skeleton.invited.length === 0 || !(await deps.invitePermission.blocks(user))) return skeleton;
  return { ...skeleton, invited: [] };
}

async function skeletonOf(
  deps: SyncDeps,
  request: SyncRequest,
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
