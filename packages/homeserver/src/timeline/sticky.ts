import type { Lookups } from '../platform/lookups/lookups.ts';
import type { Reader } from '../rooms/access.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StickyStore } from '../storage/rooms/events/sticky-events.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { Shown } from './render/event-renderer.ts';

/**
 * The maximum number of events in an answer. If there are more, the answer contains the latest (MSC4354, "Rate
 * limits").
 */
const EVENTS_MAX = 100;
const NOTHING: readonly StoredEvent[] = [];

/** The range of an answer, the current time in milliseconds, and the events in the timeline. */
interface StickyRange {
  readonly since: number;
  readonly upTo: number;
  readonly now: number;
  readonly shown: readonly Shown[];
}

/** Finds sticky events (MSC4354). */
export class StickyEvents {
  readonly #sticky: StickyStore;
  readonly #events: EventStore;

  constructor({ sticky, events }: { readonly sticky: StickyStore; readonly events: EventStore }) {
    this.#sticky = sticky;
    this.#events = events;
  }

  /**
   * Returns a room's sticky events in a range, except those in the timeline. Members get them whatever the history
   * visibility of the room is.
   */
  events(
    lookups: Lookups,
    reader: Reader,
    room: number,
    { since, upTo, now, shown }: StickyRange,
  ): readonly StoredEvent[] {
    const rows = this.#sticky.of(room, now).filter(({ num }) => num > since && num <= upTo);
    if (rows.length === 0) return NOTHING;
    const there = new Set(shown.map(({ event }) => event.num));
    const nums = rows.map(({ num }) => num).filter((num) => !there.has(num));
    const events = lookups.all(this.#events.source, nums).filter((event) => event !== undefined);
    const wanted = events.filter(
      ({ redactedBy, senderNum, isState }) => redactedBy === null && (isState || !reader.ignored.has(senderNum)),
    );
    return wanted.slice(-EVENTS_MAX);
  }
}
