import { membershipOf } from '../rooms/events/effects.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';

/** How somebody stood to a room at a position, and since then. */
export interface Past {
  /** The membership at the position. */
  readonly membership: string;
  /** The event after the position that ended the last time in which they were a member, if they are none now. */
  readonly ended: number | undefined;
  /** Their member events after that, the latest first; all after the position if they were no member since. */
  readonly outside: readonly number[];
}

/** How the users of some rows stood to their rooms at a position, by room; found by going back from event to event. */
export async function pastsOf(
  events: EventStore,
  rows: readonly MembershipRow[],
  position: number,
): Promise<ReadonlyMap<number, Past>> {
  const pasts = new Map<number, Past>();
  for (const row of rows) {
    let event = await events.one(row.event);
    let ended: number | undefined;
    const outside: number[] = [];
    while (event !== undefined && event.num > position) {
      const before: StoredEvent | undefined = event.replaces === null ? undefined : await events.one(event.replaces);
      if (ended === undefined && membershipOf(event) !== 'join' && isJoin(before)) ended = event.num;
      if (ended === undefined) outside.push(event.num);
      // At the beginning nobody was a member.
      event = position === 0 && ended !== undefined ? undefined : before;
    }
    pasts.set(row.room, { membership: event === undefined ? 'none' : membershipOf(event), ended, outside });
  }
  return pasts;
}

function isJoin(event: StoredEvent | undefined): boolean {
  return event !== undefined && membershipOf(event) === 'join';
}
