import { matches } from '../filters/matching.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import { type EventStore, eventsOf } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { Reader, Shown } from '../timeline/hydrate.ts';
import { type VisibilityDeps, visibleEvents } from '../timeline/visibility.ts';
import type { SyncFilter } from './request.ts';
import type { Departure, RoomWork } from './skeleton.ts';

export interface RoomTimelineDeps extends VisibilityDeps {
  readonly events: EventStore;
  readonly timelines: TimelineStore;
}

/** The timeline of one room in an answer. */
export interface RoomTimeline {
  /** All events that were looked at, oldest first. */
  readonly considered: readonly StoredEvent[];
  readonly shown: readonly Shown[];
  readonly limited: boolean;
  /** The event before which the timeline begins: the first that is shown, or the first of all if nothing is missing. */
  readonly first: StoredEvent | undefined;
  /** The latest event that was considered. */
  readonly last: StoredEvent | undefined;
  /** State events after the beginning are not shown, so that they have to be told apart. */
  readonly hasHoles: boolean;
}

/** How timelines are chosen. */
export interface TimelineChoice {
  readonly filter: Pick<SyncFilter, 'timeline' | 'timelineLimit'>;
  /** The client takes state only from outside the timeline: what the timeline shows cannot contradict it. */
  readonly stateAfter: boolean;
  readonly budget: ScanBudget;
}

/** How many more events an answer may look at in search of those that are shown. */
export interface ScanBudget {
  left: number;
}

/** For all rooms of an answer together. */
const SCANNED_IN_ALL_MAX = 20_000;
/** Further back in one room where a filter leaves events out; where they are hidden from the user it takes longer. */
const FILTERED_SCAN_MAX = 2_000;
const HIDDEN_SCAN_MAX = 200;
const SCANNED_AT_ONCE = 100;

export function newScanBudget(): ScanBudget {
  return { left: SCANNED_IN_ALL_MAX };
}

/** Chooses what of the considered events the user gets to see; `events` holds them all. Looks further back if they are few. */
export async function roomTimeline(
  deps: RoomTimelineDeps,
  reader: Reader,
  work: RoomWork,
  events: ReadonlyMap<number, StoredEvent>,
  choice: TimelineChoice,
): Promise<RoomTimeline> {
  let considered: readonly StoredEvent[] = eventsOf(work.nums, events);
  let visible = await passing(deps, reader, work, considered, choice);
  let more = work.limited;
  let scannedMax = choice.filter.timeline.active ? FILTERED_SCAN_MAX : HIDDEN_SCAN_MAX;
  const limit = choice.filter.timelineLimit;
  while (more && visible.length < limit && !choice.filter.timeline.nothing) {
    const upTo = (considered[0]?.seq ?? 0) - 1;
    const count = Math.min(SCANNED_AT_ONCE, scannedMax, choice.budget.left);
    if (count <= 0) break;
    scannedMax -= count;
    choice.budget.left -= count;
    await nextTurn();
    const nums = await deps.timelines.page({ room: work.row.room, after: 0, upTo }, true, count);
    const older = nums.filter((num) => num > work.after).reverse();
    more = nums.length === count && older.length === nums.length;
    const found = await deps.events.list(older);
    visible = [...(await passing(deps, reader, work, found, choice)), ...visible];
    considered = [...found, ...considered];
  }
  const shown = choice.stateAfter ? visible : withoutOutdated(considered, visible);
  return timelineOf(work, { considered, visible, shown: limit === 0 ? [] : shown.slice(-limit) }, more, events);
}

function timelineOf(
  work: RoomWork,
  {
    considered,
    visible,
    shown,
  }: {
    readonly considered: readonly StoredEvent[];
    readonly visible: readonly Shown[];
    readonly shown: readonly Shown[];
  },
  more: boolean,
  events: ReadonlyMap<number, StoredEvent>,
): RoomTimeline {
  const limited = more || shown.length < visible.length;
  const first = shown.length === 0 ? undefined : limited ? shown[0]?.event : considered[0];
  const anchor = work.anchor === undefined ? undefined : events.get(work.anchor);
  const there = new Set(shown.map(({ event }) => event.num));
  const begin = first?.num ?? 0;
  return {
    considered,
    shown,
    limited,
    first,
    last: considered.at(-1) ?? anchor,
    hasHoles: considered.some(({ isState, num }) => isState && num >= begin && !there.has(num)),
  };
}

/** The events that the filter lets through and the user may see. */
function passing(
  deps: RoomTimelineDeps,
  reader: Reader,
  { row, departure }: RoomWork,
  events: readonly StoredEvent[],
  { filter }: TimelineChoice,
): Shown[] | Promise<Shown[]> {
  const wanted = events.filter((event) => isWanted(event, reader, filter) && !isLater(event, departure, reader.user));
  return wanted.length === 0 ? [] : visibleEvents(deps, reader.user, row.room, wanted);
}

/** Whether an event came after the user's leaving and is not about them, be the room readable for everybody. */
function isLater(event: StoredEvent, departure: Departure | undefined, user: number): boolean {
  if (departure === undefined || event.num <= (departure.ended?.num ?? 0)) return false;
  return event.type !== 'm.room.member' || event.stateKeyNum !== user;
}

/**
 * State that is not in the timeline comes before it. Therefore a timeline that clients take state from begins after
 * every state event that was replaced later by one that it does not show.
 */
function withoutOutdated(considered: readonly StoredEvent[], visible: readonly Shown[]): readonly Shown[] {
  if (visible.length === considered.length) return visible;
  const there = new Set(visible.map(({ event }) => event.num));
  const replaced = new Map<string, number>();
  for (const event of considered) if (event.isState && !there.has(event.num)) replaced.set(placeOf(event), event.num);
  if (replaced.size === 0) return visible;
  const outdated = visible.findLastIndex(
    ({ event }) => event.isState && (replaced.get(placeOf(event)) ?? 0) > event.num,
  );
  return visible.slice(outdated + 1);
}

function placeOf({ typeNum, stateKeyNum }: StoredEvent): string {
  return `${typeNum}/${stateKeyNum}`;
}

function isWanted(event: StoredEvent, reader: Reader, { timeline }: Pick<SyncFilter, 'timeline'>): boolean {
  if (reader.ignored.has(event.senderNum) && !event.isState) return false;
  if (!timeline.active) return true;
  if (timeline.room !== undefined && !timeline.room(event.roomId)) return false;
  return matches(timeline, event.type, event.sender, () => Object.hasOwn(event.content, 'url'));
}
