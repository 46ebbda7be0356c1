import { matches } from '../../filters/matching.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Reader } from '../../rooms/access.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { Shown } from '../../timeline/render/event-renderer.ts';
import type { Visibility } from '../../timeline/visibility.ts';
import type { Departure, SelectedRoom } from '../select/selected-room.ts';
import type { SyncFilter } from '../sync-filter.ts';

interface Parts {
  readonly events: EventStore;
  readonly timelines: TimelineStore;
  readonly visibility: Visibility;
}

/** The timeline of one room in an answer. */
export interface RoomTimeline {
  /** All events that were read, oldest first. */
  readonly considered: readonly StoredEvent[];
  readonly shown: readonly Shown[];
  readonly limited: boolean;
  /**
   * The event before which the timeline begins: the first that is shown, or the first that was read if nothing is
   * missing.
   */
  readonly first: StoredEvent | undefined;
  /** The latest event that was read; for an empty timeline the anchor of the room. */
  readonly last: StoredEvent | undefined;
  /** Whether the timeline lacks state events after its beginning, so that they have to be sent separately. */
  readonly hasHoles: boolean;
}

/** The parameters by which timelines are selected. */
export interface TimelineChoice {
  readonly filter: Pick<SyncFilter, 'timeline' | 'timelineLimit'>;
  /** Whether the client takes state only from outside the timeline, so that the timeline cannot contradict it. */
  readonly stateAfter: boolean;
  readonly budget: ScanBudget;
}

/** The number of events that an answer may still read in search of visible ones. */
export interface ScanBudget {
  left: number;
}

/** The maximum number for all rooms of an answer together. */
const SCANNED_IN_ALL_MAX = 20_000;
/**
 * The maximum numbers for one room: if a filter excludes events, and if events are only hidden from the user. Checking
 * visibility takes longer.
 */
const FILTERED_SCAN_MAX = 2_000;
const HIDDEN_SCAN_MAX = 200;
const SCANNED_AT_ONCE = 100;

export function newScanBudget(): ScanBudget {
  return { left: SCANNED_IN_ALL_MAX };
}

/** Runs one pass of a computation with a budget. Only a complete pass counts against the budget. */
export function spending<T>(budget: ScanBudget, compute: (budget: ScanBudget) => T): T {
  const pass = { ...budget };
  const result = compute(pass);
  budget.left = pass.left;
  return result;
}

/** Selects the events that the user may see. Reads further back if they are few. */
export class RoomTimelines {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  timeline(lookups: Lookups, reader: Reader, room: SelectedRoom, choice: TimelineChoice): RoomTimeline {
    const anchor = room.anchor === undefined ? undefined : lookups.get(this.#parts.events.source, room.anchor);
    let considered = this.#events(lookups, room.nums);
    let visible = this.#passing(lookups, reader, room, considered, choice);
    let more = room.limited;
    let scannedMax = choice.filter.timeline.active ? FILTERED_SCAN_MAX : HIDDEN_SCAN_MAX;
    const limit = choice.filter.timelineLimit;
    while (more && visible.length < limit && !choice.filter.timeline.nothing) {
      const upTo = (considered[0]?.seq ?? 0) - 1;
      const count = Math.min(SCANNED_AT_ONCE, scannedMax, choice.budget.left);
      if (count <= 0) break;
      scannedMax -= count;
      choice.budget.left -= count;
      const range = { room: room.row.room, after: 0, upTo };
      const nums = lookups.get(this.#parts.timelines.pageSource, { ...range, backwards: true, limit: count });
      const older = nums.filter((num) => num > room.after).reverse();
      more = nums.length === count && older.length === nums.length;
      const found = this.#events(lookups, older);
      visible = [...this.#passing(lookups, reader, room, found, choice), ...visible];
      considered = [...found, ...considered];
    }
    const current = choice.stateAfter ? visible : withoutOutdated(considered, visible);
    const shown = limit === 0 ? [] : afterGap(current.slice(-limit));
    return timelineOf({ considered, visible, shown }, more || room.startsTimeline === true, anchor);
  }

  #events(lookups: Lookups, nums: readonly number[]): readonly StoredEvent[] {
    const found = lookups.all(this.#parts.events.source, nums);
    // Events that were accepted while the state of the room was partial may have been rejected since.
    return found.filter((event) => event !== undefined && event.standing !== STANDING.rejected) as StoredEvent[];
  }

  /** Returns the events that pass the filter and that the user may see. */
  #passing(
    lookups: Lookups,
    reader: Reader,
    { row, departure }: SelectedRoom,
    events: readonly StoredEvent[],
    { filter }: TimelineChoice,
  ): readonly Shown[] {
    const wanted = events.filter((event) => isWanted(event, reader, filter) && !isLater(event, departure, reader.user));
    return wanted.length === 0 ? [] : this.#parts.visibility.visible(lookups, reader.user, row.room, wanted);
  }
}

function timelineOf(
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
  anchor: StoredEvent | undefined,
): RoomTimeline {
  const limited = more || shown.length < visible.length || shown[0]?.event.followsGap === true;
  const first = shown.length === 0 ? undefined : limited ? shown[0]?.event : considered[0];
  const begin = first?.num ?? 0;
  return {
    considered,
    shown,
    limited,
    first,
    last: considered.at(-1) ?? anchor,
    hasHoles: shown.length < considered.length && hasHoles(considered, shown, begin),
  };
}

/** Returns the events after the last gap of the timeline. Clients fetch those before as history. */
function afterGap(shown: readonly Shown[]): readonly Shown[] {
  const gap = shown.findLastIndex(({ event }) => event.followsGap);
  return gap <= 0 ? shown : shown.slice(gap);
}

function hasHoles(considered: readonly StoredEvent[], shown: readonly Shown[], begin: number): boolean {
  const there = new Set(shown.map(({ event }) => event.num));
  return considered.some(({ isState, num }) => isState && num >= begin && !there.has(num));
}

/**
 * Returns whether an event came after the user's departure and does not concern the user. Such events are left out even
 * if the room is world-readable.
 */
function isLater(event: StoredEvent, departure: Departure | undefined, user: number): boolean {
  if (departure === undefined || event.num <= (departure.ended?.num ?? 0)) return false;
  return event.type !== 'm.room.member' || event.stateKeyNum !== user;
}

/**
 * Returns the events after the last outdated state event. Clients apply the state from outside the timeline before the
 * timeline. A state event in the timeline would therefore hide a later one that the timeline does not contain.
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
