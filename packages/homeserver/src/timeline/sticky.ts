import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StickyStore } from '../storage/rooms/events/sticky-events.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { Reader, Shown } from './hydrate.ts';

/** More at once help nobody (MSC4354, "Rate limits"): the latest are told. */
const TOLD_MAX = 100;

/**
 * A room's sticky events after a position that a member is not shown otherwise (MSC4354). Members get them whatever
 * the history visibility of the room is.
 */
export async function stickyEvents(
  deps: { readonly sticky: StickyStore; readonly events: EventStore },
  reader: Reader,
  room: number,
  {
    since,
    upTo,
    now,
    shown,
  }: { readonly since: number; readonly upTo: number; readonly now: number; readonly shown: readonly Shown[] },
): Promise<StoredEvent[]> {
  const rows = deps.sticky.of(room, now).filter(({ num }) => num > since && num <= upTo);
  if (rows.length === 0) return [];
  const there = new Set(shown.map(({ event }) => event.num));
  const events = await deps.events.list(rows.map(({ num }) => num).filter((num) => !there.has(num)));
  const wanted = events.filter(
    ({ redactedBy, senderNum, isState }) => redactedBy === null && (isState || !reader.ignored.has(senderNum)),
  );
  return wanted.slice(-TOLD_MAX);
}
