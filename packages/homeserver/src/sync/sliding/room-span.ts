import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { latestEvents } from '../../timeline/latest.ts';
import { type Past, pastsOf } from '../pasts.ts';
import { type Changed, type Departure, type RoomWork, type SkeletonDeps, TIMELINE_READ_MAX } from '../skeleton.ts';
import type { ConnectionState, SentRoom } from './connection-state.ts';
import { rulesKey, type StatePairs } from './state-selection.ts';
import type { RoomConfig, Wanted } from './wanted-rooms.ts';

/** The part of a room that an answer has to cover. */
export interface RoomSpan {
  readonly row: MembershipRow;
  readonly config: RoomConfig;
  /** After this position; `undefined` for a room that the client gets as a whole. */
  readonly from: number | undefined;
  /** The part of the room that the client had before. */
  readonly sent: SentRoom | undefined;
  /** The part of the timeline that is considered. */
  readonly work: RoomWork;
  /** The timeline begins earlier than what the client has, since it now wants more of it. */
  readonly isExpanded: boolean;
  /** The state that the client was sent by other rules than those of now. */
  readonly oldState: readonly StatePairs[] | undefined;
}

/** The range of an answer. */
export interface Range {
  /** Where the client is; `undefined` when it knows nothing. */
  readonly since: number | undefined;
  readonly upTo: number;
  readonly changed: Changed;
  /** The user's memberships at its end. */
  readonly rows: ReadonlyMap<number, MembershipRow>;
}

const OUTSIDE: ReadonlySet<string> = new Set(['leave', 'ban']);

/** For each wanted room of which there may be something to tell: from where on. Events come as numbers. */
export async function roomSpans(
  deps: SkeletonDeps,
  wanted: Wanted,
  state: ConnectionState | undefined,
  range: Range,
): Promise<RoomSpan[]> {
  const all = [...wanted.rooms.values()];
  const pasts = await pastsSince(deps, all, state, range);
  const plans: Plan[] = [];
  for (const { row, config } of all) {
    const one = plan(row, config, { sent: state?.rooms.get(row.room), past: pasts.get(row.room), range });
    // Nothing is new in a room that the client knows to be left.
    if (!OUTSIDE.has(row.membership) || one.from === undefined || row.event > one.from)
      plans.push({ ...one, departure: await departureOf(deps, row, pasts.get(row.room)) });
  }
  const whole = plans.filter(({ from, isExpanded, row }) => isTimed(row) && (from === undefined || isExpanded));
  const latest = await latestOf(deps, whole, range.upTo);
  const missed = await missedEvents(deps, plans, range);
  const spans = plans.flatMap((one) => {
    const work = workOf(one, { latest, missed, range });
    const isMoved = one.from !== undefined && one.row.event > one.from;
    const isNews = work.nums.length > 0 || one.isExpanded || one.oldState !== undefined || isMoved;
    return one.from === undefined || isNews ? { ...one, work } : [];
  });
  return anchored(deps, spans, range.upTo);
}

/** Rooms of which only the state is looked at have it at their latest event. */
async function anchored(deps: SkeletonDeps, spans: readonly RoomSpan[], upTo: number): Promise<RoomSpan[]> {
  const quiet = spans.filter(({ row, work }) => work.nums.length === 0 && isTimed(row));
  if (quiet.length === 0) return [...spans];
  const last = await deps.timelines.lastAt(
    quiet.map(({ row }) => row.room),
    upTo,
  );
  return spans.map((span) =>
    span.work.nums.length === 0 ? { ...span, work: { ...span.work, anchor: last.get(span.row.room) } } : span,
  );
}

type Plan = Omit<RoomSpan, 'work'> & { readonly departure?: Departure | undefined };

function plan(
  row: MembershipRow,
  config: RoomConfig,
  {
    sent,
    past,
    range,
  }: { readonly sent: SentRoom | undefined; readonly past: Past | undefined; readonly range: Range },
): Plan {
  if (sent === undefined || isFresh(row, past)) {
    return { row, config, from: undefined, sent, isExpanded: false, oldState: undefined };
  }
  const from = sent.upTo ?? range.since ?? 0;
  const oldState = rulesKey(sent.state) === rulesKey(config.state) ? undefined : sent.state;
  return { row, config, from, sent, isExpanded: row.membership === 'join' && config.limit > sent.limit, oldState };
}

/**
 * Whether a client knows nothing of a room from inside, since its user has come into it after the client last heard of it;
 * also if they have left it again.
 */
function isFresh({ membership }: MembershipRow, past: Past | undefined): boolean {
  if (past === undefined || past.membership === 'join') return false;
  return !OUTSIDE.has(membership) || past.ended !== undefined;
}

/** How the user stood to rooms when the client last heard of them, for those in which that may have changed. */
async function pastsSince(
  deps: SkeletonDeps,
  all: readonly { readonly row: MembershipRow }[],
  state: ConnectionState | undefined,
  { since }: Range,
): Promise<ReadonlyMap<number, Past>> {
  const byPosition = new Map<number, MembershipRow[]>();
  for (const { row } of all) {
    const sent = state?.rooms.get(row.room);
    const from = sent === undefined ? undefined : (sent.upTo ?? since);
    // For a room that is new to the client it matters only whether the user was ever there.
    if (from === undefined ? !OUTSIDE.has(row.membership) : row.event <= from) continue;
    byPosition.set(from ?? 0, [...(byPosition.get(from ?? 0) ?? []), row]);
  }
  const pasts = new Map<number, Past>();
  for (const [from, rows] of byPosition) {
    for (const [room, past] of await pastsOf(deps.events, rows, from)) pasts.set(room, past);
  }
  return pasts;
}

async function departureOf(
  { events }: SkeletonDeps,
  row: MembershipRow,
  past: Past | undefined,
): Promise<Departure | undefined> {
  const member = OUTSIDE.has(row.membership) ? await events.one(row.event) : undefined;
  const ended = past?.ended === undefined ? undefined : await events.one(past.ended);
  return member === undefined ? undefined : { ended, member };
}

/** Whether the user has a timeline of the room; of invitations and knocks there is only what is told to outsiders. */
export function isTimed({ membership }: MembershipRow): boolean {
  return membership === 'join' || OUTSIDE.has(membership);
}

/** The latest events of rooms, as far as their limits go and one more; rooms that were left end where that was. */
async function latestOf(
  deps: SkeletonDeps,
  plans: readonly Plan[],
  upTo: number,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const limit = Math.max(1, ...plans.map(({ config }) => config.limit)) + 1;
  const joined = plans.filter(({ row }) => row.membership === 'join').map(({ row }) => row.room);
  const latest = new Map(await latestEvents(deps, joined, upTo, limit));
  for (const { row } of plans) {
    if (row.membership === 'join') continue;
    const seq = await deps.timelines.seqAt(row.room, row.event);
    latest.set(row.room, (await deps.timelines.page({ room: row.room, after: 0, upTo: seq }, true, limit)).reverse());
  }
  return latest;
}

/** The events that rooms have had since the client last heard of them, where that is not known yet. */
async function missedEvents(
  deps: SkeletonDeps,
  plans: readonly Plan[],
  { since = 0, upTo }: Range,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const behind = plans.filter(
    ({ row, from }) =>
      isTimed(row) && from !== undefined && (row.membership === 'join' ? from < since : row.event > from),
  );
  if (behind.length === 0) return new Map();
  const earliest = Math.min(...behind.map(({ from = 0 }) => from));
  const events = await deps.timelines.latest(
    behind.map(({ row }) => row.room),
    TIMELINE_READ_MAX,
    earliest,
  );
  return new Map(
    behind.map(({ row, from = 0 }) => {
      const end = row.membership === 'join' ? upTo : Math.min(upTo, row.event);
      return [row.room, (events.get(row.room) ?? []).filter((num) => num > from && num <= end)];
    }),
  );
}

interface Found {
  readonly latest: ReadonlyMap<number, readonly number[]>;
  readonly missed: ReadonlyMap<number, readonly number[]>;
  readonly range: Range;
}

function workOf({ row, config, from, isExpanded, departure }: Plan, { latest, missed, range }: Found): RoomWork {
  const { room } = row;
  if (departure !== undefined && departure.ended === undefined)
    return { row, isNew: from === undefined, nums: [row.event], limited: false, after: from ?? 0, departure };
  const limit = Math.max(1, config.limit);
  if (from === undefined || isExpanded) {
    const nums = latest.get(room) ?? [];
    return {
      row,
      isNew: from === undefined,
      nums: nums.slice(-limit),
      limited: nums.length > limit,
      after: 0,
      departure,
    };
  }
  const nums = missed.get(room) ?? range.changed.timelines.get(room) ?? [];
  return { row, isNew: false, nums, limited: nums.length >= TIMELINE_READ_MAX, after: from, departure };
}
