import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { type PastMembership, pastMemberships } from './past-memberships.ts';
import type { SelectedRoom } from './selected-room.ts';

/** Selects rooms that a user has left, as numbers. */
export class LeftRooms {
  readonly #membershipHistory: MembershipHistory;
  readonly #timelines: TimelineStore;

  constructor(membershipHistory: MembershipHistory, timelines: TimelineStore) {
    this.#membershipHistory = membershipHistory;
    this.#timelines = timelines;
  }

  /** Returns the past memberships of some rows at a position, by room. */
  pasts(lookups: Lookups, rows: readonly MembershipRow[], position: number): ReadonlyMap<number, PastMembership> {
    return pastMemberships(lookups, this.#membershipHistory, rows, position);
  }

  /**
   * Returns rooms that the user has left, with the events up to the departure. A room in which the user was not a
   * member since the client's token contains only the user's own member events.
   * @param limit the maximum number of events that are read of a timeline
   */
  select(
    lookups: Lookups,
    rows: readonly MembershipRow[],
    { since, pasts }: { readonly since: number; readonly pasts: ReadonlyMap<number, PastMembership> },
    limit: number,
  ): SelectedRoom[] {
    const rooms = lookups.each(rows, (row): SelectedRoom | undefined => {
      const past = pasts.get(row.room);
      // An invitation after the departure is hidden from the user.
      const shown = row.membership === 'invite' ? past?.ended : past?.latest;
      if (past === undefined || shown === undefined) return undefined;
      const ended = past.ended?.cause;
      const departure = { ended, member: shown.member };
      // The user sees later events only if they change the user's own membership.
      const outside = past.outside.filter((num) => num <= shown.position);
      if (ended === undefined)
        return { row, isNew: true, nums: outside.slice(0, 1), limited: false, after: since, departure };
      const isNew = past.membership !== 'join';
      const after = isNew ? 0 : since;
      const range = { room: row.room, after: 0, upTo: ended.seq ?? 0 };
      const page = lookups.get(this.#timelines.pageSource, { ...range, backwards: true, limit: limit + 1 });
      const nums = [...outside, ...page.filter((num) => num > after)].reverse();
      return { row, isNew, nums: nums.slice(-limit), limited: nums.length > limit, after, departure };
    });
    return rooms.filter((room) => room !== undefined);
  }
}
