import type { Heads } from '../rooms/heads.ts';
import type { Change } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { RoomStore } from '../storage/rooms/room-store.ts';
import { latestEvents } from '../timeline/latest.ts';
import type { ChangeLog } from './change-log.ts';
import { type Past, pastsOf } from './pasts.ts';
import type { SyncFilter } from './request.ts';

/** The stores that building skeletons reads. */
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
  /** The client has everything up to this position; `0` for a room that is new to it. */
  readonly after: number;
  /** For a room that the user is outside of. */
  readonly departure?: Departure | undefined;
  /** For a room whose timeline has nothing to show: its latest event, whose state is meant. */
  readonly anchor?: number | undefined;
}

/** How the user came to be outside a room. */
export interface Departure {
  /** The event that ended the time in which the user was a member: the room is shown as it was then. */
  readonly ended: StoredEvent | undefined;
  /** The user's member event of now, such as the rejection of an invitation that came later. */
  readonly member: StoredEvent;
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

/** The filter of the client and the rooms that its user hides. */
export interface SkeletonChoice {
  readonly filter: SyncFilter;
  /** Invitations of which the user is not told: those of users whom they ignore, or all if they block invitations. */
  readonly hides: { readonly ignored: ReadonlySet<number>; readonly blocks: boolean };
}

/** Memberships with which a client shows a room. */
const KNOWN: ReadonlySet<string> = new Set(['join', 'invite', 'knock']);

type Rows = ReadonlyMap<number, MembershipRow>;

/** Timelines are read a little further than asked when a filter will drop some of the events. */
const FILTERED_SCAN_FACTOR = 10;

/** The rooms of a first sync: every room of the user. */
export async function firstSkeleton(
  deps: SkeletonDeps,
  rows: Rows,
  upTo: number,
  { filter, hides }: SkeletonChoice,
): Promise<Skeleton> {
  const all = [...rows.values()].filter(({ forgotten }) => !forgotten);
  const joined = all.filter(({ membership }) => membership === 'join');
  const left = filter.includeLeave
    ? all.filter(({ membership }) => membership === 'leave' || membership === 'ban')
    : [];
  return {
    joined: await newRooms(deps, joined, upTo, filter),
    left: await leftRooms(deps, left, { since: 0, pasts: await pastsOf(deps.events, left, 0) }, filter),
    invited: (await invitations(deps, all, hides)).told,
    knocked: all.filter(({ membership }) => membership === 'knock'),
    peeked: [],
    touched: new Set(joined.map(({ room }) => room)),
  };
}

/** The changes for a user between two positions. */
export async function nextSkeleton(
  deps: SkeletonDeps,
  user: number,
  rows: Rows,
  range: { readonly since: number; readonly upTo: number },
  { filter, hides }: SkeletonChoice,
): Promise<Skeleton> {
  const { since } = range;
  const changed = await changesIn(deps, user, rows, range);
  const all = rows
    .values()
    .filter((row) => row.event > since && row.event <= range.upTo)
    .toArray();
  const pasts = await pastsOf(deps.events, all, since);
  const before = (room: number) => pasts.get(room)?.membership ?? '';
  // A room that was forgotten on another device is still one that this client has to be told was left.
  const moved = all.filter(({ forgotten, room }) => !forgotten || KNOWN.has(before(room)));
  const isNew = (row: MembershipRow) => row.event > since && before(row.room) !== 'join';
  const limit = scanLimit(filter);
  const joined: RoomWork[] = [];
  for (const [room, nums] of changed.timelines) {
    const row = rows.get(room);
    if (row?.membership !== 'join' || isNew(row)) continue;
    joined.push({ row, isNew: false, nums: nums.slice(-limit), limited: nums.length > limit, after: since });
  }
  const fresh = moved.filter((row) => row.membership === 'join' && isNew(row));
  const invited = await invitations(deps, moved, hides);
  // A user from whom an invitation is hidden is still told of leaving the room before.
  const left = [
    ...moved.filter(({ membership }) => membership === 'leave' || membership === 'ban'),
    ...invited.hidden.filter(({ room }) => before(room) === 'join'),
  ];
  return {
    joined: [...joined, ...(await newRooms(deps, fresh, range.upTo, filter))],
    left: await leftRooms(deps, left, { since, pasts }, filter),
    invited: invited.told,
    knocked: moved.filter(({ membership }) => membership === 'knock'),
    peeked: [],
    touched: changed.touched,
  };
}

/** The invitations among some rows, by whether the user is told of them. */
export async function invitations(
  { events }: Pick<SkeletonDeps, 'events'>,
  rows: readonly MembershipRow[],
  { ignored, blocks }: SkeletonChoice['hides'],
): Promise<{ readonly told: MembershipRow[]; readonly hidden: MembershipRow[] }> {
  const all = rows.filter(({ membership }) => membership === 'invite');
  if (all.length === 0 || blocks) return { told: [], hidden: all };
  if (ignored.size === 0) return { told: all, hidden: [] };
  const members = await events.load(all.map(({ event }) => event));
  const isHidden = ({ event }: MembershipRow) => ignored.has(members.get(event)?.senderNum ?? -1);
  return { told: all.filter((row) => !isHidden(row)), hidden: all.filter(isHidden) };
}

/** Joined rooms without news, for a client that wants all state again. */
export async function unchangedRooms(deps: SkeletonDeps, rows: readonly MembershipRow[]): Promise<RoomWork[]> {
  const latest = await deps.timelines.latest(
    rows.map(({ room }) => room),
    1,
  );
  return rows.map((row) => {
    const anchor = latest.get(row.room)?.[0];
    return { row, isNew: false, nums: [], limited: false, after: anchor ?? 0, anchor };
  });
}

/** The changes in a user's joined rooms. */
export interface Changed {
  /** The numbers of the new events, oldest first; of very many the latest {@link TIMELINE_READ_MAX}. */
  readonly timelines: ReadonlyMap<number, readonly number[]>;
  /** Rooms in which something else than the timeline may have changed. */
  readonly touched: ReadonlySet<number>;
}

/** The changes in a user's joined rooms between two positions. */
export function changesIn(
  deps: SkeletonDeps,
  user: number,
  rows: Rows,
  range: { readonly since: number; readonly upTo: number },
): Changed | Promise<Changed> {
  const recent = deps.recent.concerning(user, rows, range.since);
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
    return { row, isNew: true, nums: nums.slice(-limit), limited: nums.length > limit, after: 0 };
  });
}

/**
 * Rooms that the user has left: what happened there up to the leaving. Rooms in which the user was not a member
 * since the client's token contain only the user's own member events.
 */
async function leftRooms(
  deps: SkeletonDeps,
  rows: readonly MembershipRow[],
  { since, pasts }: { readonly since: number; readonly pasts: ReadonlyMap<number, Past> },
  filter: SyncFilter,
): Promise<RoomWork[]> {
  const limit = scanLimit(filter);
  const works = await Promise.all(
    rows.map(async (row): Promise<RoomWork | undefined> => {
      const past = pasts.get(row.room);
      const ended = past?.ended === undefined ? undefined : await deps.events.one(past.ended);
      const member = row.membership === 'invite' ? ended : await deps.events.one(row.event);
      if (member === undefined) return undefined;
      const departure = { ended, member };
      if (ended === undefined) return { row, isNew: true, nums: [row.event], limited: false, after: since, departure };
      const isNew = past?.membership !== 'join';
      const after = isNew ? 0 : since;
      const page = await deps.timelines.page({ room: row.room, after: 0, upTo: ended.seq ?? 0 }, true, limit + 1);
      // Later events are not shown to the user, except changes of their own membership.
      const later = (past?.outside ?? []).filter((num) => num <= member.num);
      const nums = [...later, ...page.filter((num) => num > after)].reverse();
      return { row, isNew, nums: nums.slice(-limit), limited: nums.length > limit, after, departure };
    }),
  );
  return works.filter((work) => work !== undefined);
}

function scanLimit(filter: SyncFilter): number {
  const wanted = Math.max(filter.timelineLimit, 1);
  return Math.min(filter.timeline.active ? wanted * FILTERED_SCAN_FACTOR : wanted, TIMELINE_READ_MAX - 1);
}
