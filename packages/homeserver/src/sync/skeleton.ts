import { membershipOf } from '../rooms/effects.ts';
import type { Heads } from '../rooms/heads.ts';
import type { EventStore } from '../storage/event-store.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import type { RoomStore } from '../storage/room-store.ts';
import type { Change } from '../storage/stream.ts';
import type { TimelineStore } from '../storage/timeline-store.ts';
import { latestEvents } from '../timeline/latest.ts';
import type { ChangeLog } from './change-log.ts';
import type { SyncFilter } from './request.ts';

/** What building skeletons reads. */
export interface SkeletonDeps {
  readonly recent: ChangeLog;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly rooms: RoomStore;
  readonly timelines: TimelineStore;
}

/** One room of an answer: which events of its timeline are considered. */
export interface RoomWork {
  readonly row: MembershipRow;
  /** The client knows nothing of the room: it gets the whole state. */
  readonly isNew: boolean;
  /** Event numbers, oldest first. */
  readonly nums: readonly number[];
  /** There are events before `nums` that the client has not seen. */
  readonly limited: boolean;
  /** For a room whose timeline has nothing to show: its latest event, whose state is meant. */
  readonly anchor?: number | undefined;
}

/** Which rooms an answer has to look at, as numbers. */
export interface Skeleton {
  readonly joined: readonly RoomWork[];
  readonly left: readonly RoomWork[];
  readonly invited: readonly MembershipRow[];
  readonly knocked: readonly MembershipRow[];
  /** Rooms that are looked into from outside. */
  readonly peeked: readonly RoomWork[];
  /** Joined rooms in which something else than the timeline may have changed. */
  readonly touched: ReadonlySet<number>;
}

/** Memberships with which a client shows a room. */
const KNOWN: ReadonlySet<string> = new Set(['join', 'invite', 'knock']);

type Rows = ReadonlyMap<number, MembershipRow>;

/** Timelines are read a little further than asked when a filter will drop some of the events. */
const FILTERED_SCAN_FACTOR = 10;

/** What a first sync shows: every room of the user. */
export async function firstSkeleton(
  deps: SkeletonDeps,
  rows: Rows,
  upTo: number,
  filter: SyncFilter,
): Promise<Skeleton> {
  const all = [...rows.values()].filter(({ forgotten }) => !forgotten);
  const joined = all.filter(({ membership }) => membership === 'join');
  const left = filter.includeLeave
    ? all.filter(({ membership }) => membership === 'leave' || membership === 'ban')
    : [];
  return {
    joined: await newRooms(deps, joined, upTo, filter),
    left: await leftRooms(deps, left, undefined, filter),
    invited: all.filter(({ membership }) => membership === 'invite'),
    knocked: all.filter(({ membership }) => membership === 'knock'),
    peeked: [],
    touched: new Set(joined.map(({ room }) => room)),
  };
}

/** What has changed for a user between two positions. */
export async function nextSkeleton(
  deps: SkeletonDeps,
  rows: Rows,
  range: { readonly since: number; readonly upTo: number },
  filter: SyncFilter,
): Promise<Skeleton> {
  const { since } = range;
  const changed = await changesIn(deps, rows, range);
  const all = rows
    .values()
    .filter((row) => row.event > since && row.event <= range.upTo)
    .toArray();
  const before = await membershipsBefore(deps.events, all, since);
  // A room that was forgotten on another device is still one that this client has to be told was left.
  const moved = all.filter(({ forgotten, room }) => !forgotten || KNOWN.has(before.get(room) ?? ''));
  const isNew = (row: MembershipRow) => row.event > since && before.get(row.room) !== 'join';
  const limit = scanLimit(filter);
  const joined: RoomWork[] = [];
  for (const [room, nums] of changed.timelines) {
    const row = rows.get(room);
    if (row?.membership !== 'join' || isNew(row)) continue;
    joined.push({ row, isNew: false, nums: nums.slice(-limit), limited: nums.length > limit });
  }
  const fresh = moved.filter((row) => row.membership === 'join' && isNew(row));
  const left = moved.filter(({ membership }) => membership === 'leave' || membership === 'ban');
  return {
    joined: [...joined, ...(await newRooms(deps, fresh, range.upTo, filter))],
    left: await leftRooms(deps, left, { since, before }, filter),
    invited: moved.filter(({ membership }) => membership === 'invite'),
    knocked: moved.filter(({ membership }) => membership === 'knock'),
    peeked: [],
    touched: changed.touched,
  };
}

/** Joined rooms without news, for a client that wants all state again. */
export async function unchangedRooms(deps: SkeletonDeps, rows: readonly MembershipRow[]): Promise<RoomWork[]> {
  const latest = await deps.timelines.latest(
    rows.map(({ room }) => room),
    1,
  );
  return rows.map((row) => ({ row, isNew: false, nums: [], limited: false, anchor: latest.get(row.room)?.[0] }));
}

/** What has changed in a user's joined rooms. */
export interface Changed {
  /** The numbers of the new events, oldest first; of very many the latest {@link TIMELINE_READ_MAX}. */
  readonly timelines: ReadonlyMap<number, readonly number[]>;
  /** Rooms in which something else than the timeline may have changed. */
  readonly touched: ReadonlySet<number>;
}

/** What has changed in a user's joined rooms between two positions. */
export function changesIn(
  deps: SkeletonDeps,
  rows: Rows,
  range: { readonly since: number; readonly upTo: number },
): Changed | Promise<Changed> {
  const recent = deps.recent.since(range.since);
  return recent === undefined ? changedRooms(deps, rows, range) : recentRooms(recent, rows, range.upTo);
}

/** From memory: the events of the user's rooms, and the rooms with receipts or typing. */
function recentRooms(recent: readonly Change[], rows: Rows, upTo: number): Changed {
  const timelines = new Map<number, number[]>();
  const touched = new Set<number>();
  for (const change of recent) {
    if (change.position > upTo || !('room' in change) || change.room === null) continue;
    if (rows.get(change.room)?.membership !== 'join') continue;
    if (change.kind === 'event') {
      const nums = timelines.get(change.room);
      if (nums === undefined) timelines.set(change.room, [change.event]);
      else nums.push(change.event);
    } else touched.add(change.room);
  }
  return { timelines, touched };
}

/** From the database, for clients that were away: the last events of each joined room that has new ones. */
async function changedRooms(deps: SkeletonDeps, rows: Rows, range: { since: number; upTo: number }): Promise<Changed> {
  const joined = [...rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room);
  const rooms = await deps.rooms.changedSince(joined, range.since);
  const timelines = await deps.timelines.latest(rooms, TIMELINE_READ_MAX, range.since);
  return {
    timelines: new Map([...timelines].map(([room, nums]) => [room, nums.filter((num) => num <= range.upTo)])),
    touched: new Set(joined),
  };
}

/** More than any timeline limit, so that one event too many says that there is a gap. */
export const TIMELINE_READ_MAX = 1001;

/** Rooms that the client gets as a whole. */
export async function newRooms(
  deps: SkeletonDeps,
  rows: readonly MembershipRow[],
  upTo: number,
  filter: SyncFilter,
): Promise<RoomWork[]> {
  if (rows.length === 0) return [];
  const limit = scanLimit(filter);
  const rooms = rows.map(({ room }) => room);
  const timelines = await latestEvents(deps, rooms, upTo, limit + 1);
  return rows.map((row) => {
    const nums = timelines.get(row.room) ?? [];
    return { row, isNew: true, nums: nums.slice(-limit), limited: nums.length > limit };
  });
}

/** Rooms that the user has left: what happened there up to the leaving. */
async function leftRooms(
  deps: SkeletonDeps,
  rows: readonly MembershipRow[],
  known: { readonly since: number; readonly before: ReadonlyMap<number, string> } | undefined,
  filter: SyncFilter,
): Promise<RoomWork[]> {
  const leaving = await deps.events.load(rows.map(({ event }) => event));
  const limit = scanLimit(filter);
  return Promise.all(
    rows.map(async (row): Promise<RoomWork> => {
      const wasThere = known === undefined || known.before.get(row.room) === 'join';
      const upTo = leaving.get(row.event)?.seq ?? 0;
      if (!wasThere) return { row, isNew: true, nums: [row.event], limited: false };
      const page = await deps.timelines.page({ room: row.room, after: 0, upTo }, true, limit + 1);
      const nums = page.filter((num) => num > (known?.since ?? 0)).reverse();
      return { row, isNew: known === undefined, nums: nums.slice(-limit), limited: nums.length > limit };
    }),
  );
}

/** The memberships that users' rows had at a position, by room; found by going back from event to event. */
export async function membershipsBefore(
  events: EventStore,
  rows: readonly MembershipRow[],
  position: number,
): Promise<ReadonlyMap<number, string>> {
  const before = new Map<number, string>();
  for (const row of rows) {
    let num: number | null = row.event;
    while (num !== null && num > position) num = (await events.one(num))?.replaces ?? null;
    const event = num === null ? undefined : await events.one(num);
    before.set(row.room, event === undefined ? 'none' : membershipOf(event));
  }
  return before;
}

function scanLimit(filter: SyncFilter): number {
  const wanted = Math.max(filter.timelineLimit, 1);
  return Math.min(filter.timeline.active ? wanted * FILTERED_SCAN_FACTOR : wanted, TIMELINE_READ_MAX - 1);
}
