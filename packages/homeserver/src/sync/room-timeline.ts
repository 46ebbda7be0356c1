import { matches } from '../filters/matching.ts';
import { eventsOf } from '../storage/event-store.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import type { Reader, Shown } from '../timeline/hydrate.ts';
import { type VisibilityDeps, visibleEvents } from '../timeline/visibility.ts';
import type { SyncFilter } from './request.ts';
import type { RoomWork } from './skeleton.ts';

/** The timeline of one room in an answer. */
export interface RoomTimeline {
  /** All events that were looked at, oldest first. */
  readonly considered: readonly StoredEvent[];
  readonly shown: readonly Shown[];
  readonly limited: boolean;
  /** The earliest event that is shown or was passed over: the timeline begins before it. */
  readonly first: StoredEvent | undefined;
  /** The latest event that was considered. */
  readonly last: StoredEvent | undefined;
  /** Some of the events between were passed over, so that state among them has to be told apart. */
  readonly hasHoles: boolean;
}

/** Chooses what of the considered events the user gets to see; `events` holds them all. */
export async function roomTimeline(
  deps: VisibilityDeps,
  reader: Reader,
  work: RoomWork,
  events: ReadonlyMap<number, StoredEvent>,
  filter: SyncFilter,
): Promise<RoomTimeline> {
  const considered = eventsOf(work.nums, events);
  const wanted = considered.filter((event) => isWanted(event, reader, filter));
  const visible = await visibleEvents(deps, reader.user, work.row.room, wanted);
  // State among what the user may not see has to be told before the timeline, so that one begins after it.
  const hidden = lastHidden(wanted, visible);
  const after = hidden === undefined ? visible : visible.filter(({ event }) => event.num > hidden.num);
  const shown = filter.timelineLimit === 0 ? [] : after.slice(-filter.timelineLimit);
  const dropped = shown.length < visible.length;
  const isWhole = !dropped && hidden === undefined;
  // Older events that a new member may not see are no gap: there is nothing to fetch.
  const nothingBefore = work.isNew && visible[0]?.event !== wanted[0];
  const anchor = work.anchor === undefined ? undefined : events.get(work.anchor);
  return {
    considered,
    shown,
    limited: dropped || (work.limited && !nothingBefore),
    first: shown.length === 0 ? undefined : isWhole ? considered[0] : shown[0]?.event,
    last: considered.at(-1) ?? anchor,
    hasHoles: wanted.length < considered.length || (hidden !== undefined && !dropped),
  };
}

/** The last of the events that is not among those that the user may see. */
function lastHidden(wanted: readonly StoredEvent[], visible: readonly Shown[]): StoredEvent | undefined {
  if (visible.length === wanted.length) return undefined;
  const seen = new Set(visible.map(({ event }) => event.num));
  return wanted.findLast(({ num }) => !seen.has(num));
}

function isWanted(event: StoredEvent, reader: Reader, { timeline }: SyncFilter): boolean {
  if (reader.ignored.has(event.senderNum) && !event.isState) return false;
  if (!timeline.active) return true;
  if (timeline.room !== undefined && !timeline.room(event.roomId)) return false;
  return matches(timeline, event.type, event.sender, () => Object.hasOwn(event.content, 'url'));
}
