import type { Lookups } from '../../platform/lookups/lookups.ts';
import { queried, type Source } from '../../platform/lookups/source.ts';
import type { Change } from '../../storage/engine/stream.ts';
import type { RoomPosition, TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';
import type { Rows, SyncRange } from './stream-reader.ts';

/** The rooms of a user in which something has changed. */
export interface ChangedRooms {
  /** The numbers of the new events, oldest first; at most the latest {@link TIMELINE_READ_MAX} of each room. */
  readonly timelines: ReadonlyMap<number, readonly number[]>;
  /** Rooms in which receipts, typing users or account data may have changed. */
  readonly touched: ReadonlySet<number>;
}

/**
 * The maximum number of events that are read of a timeline. It is above every timeline limit, so that one more event
 * shows that there is a gap.
 */
export const TIMELINE_READ_MAX = 1001;
const NO_ROOMS: ReadonlySet<number> = new Set();
const NO_TIMELINES: ReadonlyMap<number, readonly number[]> = new Map();

/** Finds rooms with changes: in the change log for clients that keep up, otherwise in the database. */
export class RoomChanges {
  /** The events of rooms after a position, oldest first; at most the latest {@link TIMELINE_READ_MAX} of each room. */
  readonly eventsAfter: Source<RoomPosition, readonly number[]>;

  constructor({ rooms, timelines }: { readonly rooms: RoomStore; readonly timelines: TimelineStore }) {
    this.eventsAfter = queried(
      ({ room, position }) => `${room}/${position}`,
      async (keys) => {
        const position = Math.min(...keys.map((key) => key.position));
        const changed = await rooms.changedSince([...new Set(keys.map(({ room }) => room))], position);
        const events = await timelines.latest(changed, TIMELINE_READ_MAX, position);
        return (key) => (events.get(key.room) ?? []).filter((num) => num > key.position);
      },
    );
  }

  /** Returns the changes in the joined rooms of `rows`. */
  in(lookups: Lookups, rows: Rows, { since, upTo, changes }: SyncRange): ChangedRooms {
    if (changes !== undefined) return changedRooms(changes, rows);
    const joined = [...rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room);
    const events = lookups.all(
      this.eventsAfter,
      joined.map((room) => ({ room, position: since ?? 0 })),
    );
    const timelines = joined.flatMap((room, i) => {
      const nums = (events[i] ?? []).filter((num) => num <= upTo);
      return nums.length === 0 ? [] : [[room, nums] as const];
    });
    return { timelines: new Map(timelines), touched: new Set(joined) };
  }
}

/**
 * Returns the joined rooms with changes: those with new events, and those with receipts, typing users or account data.
 */
function changedRooms(changes: readonly Change[], rows: Rows): ChangedRooms {
  let timelines: Map<number, number[]> | undefined;
  let touched: Set<number> | undefined;
  for (const change of changes) {
    if (!('room' in change) || change.room === null || rows.get(change.room)?.membership !== 'join') continue;
    if (change.kind === 'event') {
      timelines ??= new Map();
      const nums = timelines.get(change.room);
      if (nums === undefined) timelines.set(change.room, [change.event]);
      else nums.push(change.event);
    } else {
      touched ??= new Set();
      touched.add(change.room);
    }
  }
  for (const [room, nums] of timelines ?? NO_TIMELINES)
    if (nums.length > TIMELINE_READ_MAX) timelines?.set(room, nums.slice(-TIMELINE_READ_MAX));
  return { timelines: timelines ?? NO_TIMELINES, touched: touched ?? NO_ROOMS };
}
