import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { MembershipChange, MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';

/** The membership of a user in a room at a position, and its later changes. */
export interface PastMembership {
  /** The membership at the position. */
  readonly membership: string;
  /** The change to the current membership. */
  readonly latest: MembershipChange | undefined;
  /** The change after the position that ended the user's last time as a member, if the user is not a member now. */
  readonly ended: MembershipChange | undefined;
  /** The member events after `ended`, latest first; all after the position if the user was not a member since then. */
  readonly outside: readonly number[];
}

/** Returns the past memberships of some rows at a position, by room. */
export function pastMemberships(
  lookups: Lookups,
  history: MembershipHistory,
  rows: readonly MembershipRow[],
  position: number,
): ReadonlyMap<number, PastMembership> {
  return new Map(lookups.each(rows, (row) => [row.room, pastMembership(lookups, history, row, position)]));
}

function pastMembership(
  lookups: Lookups,
  history: MembershipHistory,
  row: MembershipRow,
  position: number,
): PastMembership {
  // At position 0 nobody is a member.
  const membership = position === 0 ? 'none' : history.at(lookups, row, position);
  const latest = history.latest(lookups, row);
  let ended: MembershipChange | undefined;
  const outside: number[] = [];
  let later: MembershipChange | undefined;
  for (const change of history.back(lookups, row)) {
    if (later !== undefined) {
      if (change.membership === 'join' && later.membership !== 'join') ended = later;
      else outside.push(...ownEvent(later));
    }
    later = change;
    if (ended !== undefined || change.position <= position) return { membership, latest, ended, outside };
  }
  if (later !== undefined) outside.push(...ownEvent(later));
  return { membership, latest, ended, outside };
}

/** Returns the number of the member event by which a membership has changed; nothing if it has changed with another event. */
function ownEvent({ member, cause }: MembershipChange): readonly number[] {
  return member !== undefined && member === cause ? [member.num] : [];
}
