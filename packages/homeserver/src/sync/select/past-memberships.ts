import type { Lookups } from '../../platform/lookups/lookups.ts';
import { membershipOf } from '../../rooms/events/effects.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { memberEventsBack } from '../../timeline/member-events.ts';

/** The membership of a user in a room at a position, and its later changes. */
export interface PastMembership {
  /** The membership at the position. */
  readonly membership: string;
  /** The event after the position that ended the user's last time as a member, if the user is not a member now. */
  readonly ended: number | undefined;
  /** The member events after `ended`, latest first; all after the position if the user was not a member since then. */
  readonly outside: readonly number[];
}

/** Returns the past memberships of some rows at a position, by room. Follows the chain of member events back. */
export function pastMemberships(
  lookups: Lookups,
  events: EventStore,
  rows: readonly MembershipRow[],
  position: number,
): ReadonlyMap<number, PastMembership> {
  return new Map(lookups.each(rows, (row) => [row.room, pastMembership(lookups, events, row, position)]));
}

function pastMembership(lookups: Lookups, events: EventStore, row: MembershipRow, position: number): PastMembership {
  let ended: number | undefined;
  const outside: number[] = [];
  let later: StoredEvent | undefined;
  for (const event of memberEventsBack(lookups, events, row.event)) {
    const membership = membershipOf(event);
    if (later !== undefined && ended === undefined) {
      if (membership === 'join' && membershipOf(later) !== 'join') ended = later.num;
      else outside.push(later.num);
    }
    if (event.num <= position) return { membership, ended, outside };
    // At position 0 nobody is a member.
    if (position === 0 && ended !== undefined) break;
    later = event;
  }
  if (later !== undefined && ended === undefined) outside.push(later.num);
  return { membership: 'none', ended, outside };
}
