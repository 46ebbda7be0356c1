import type { Lookups } from '../platform/lookups/lookups.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

/** Iterates over the member events of a user in a room, from one of them back to the first. */
export function* memberEventsBack(
  lookups: Lookups,
  events: EventStore,
  from: number | undefined,
): Generator<StoredEvent, undefined> {
  let num: number | null = from ?? null;
  while (num !== null) {
    const event: StoredEvent | undefined = lookups.get(events.source, num);
    if (event === undefined) return;
    yield event;
    num = event.replaces;
  }
}
