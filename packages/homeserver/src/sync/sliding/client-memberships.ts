import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { Invites } from '../select/invites.ts';
import { pastMemberships } from '../select/past-memberships.ts';
import type { Rows } from '../select/stream-reader.ts';
import type { ConnectionState } from './connection-state.ts';

/** The state that a client has on its connection, and the position of its token. */
export interface ClientPosition {
  readonly state: ConnectionState | undefined;
  readonly since: number | undefined;
}

/** Selects the memberships that a client gets. */
export class ClientMemberships {
  readonly #membershipHistory: MembershipHistory;
  readonly #invites: Invites;

  constructor(membershipHistory: MembershipHistory, invites: Invites) {
    this.#membershipHistory = membershipHistory;
    this.#invites = invites;
  }

  /**
   * Returns a user's memberships without forgotten rooms and hidden invitations. A client that has such a room gets a
   * row with the membership `leave` once.
   */
  rows(lookups: Lookups, user: number, rows: Rows, position: ClientPosition): Rows {
    const special = [...rows.values()].filter(({ forgotten, membership }) => forgotten || membership === 'invite');
    if (special.length === 0) return rows;
    const shown = new Set(this.#invites.among(lookups, user, special).shown);
    const known = new Map(rows);
    lookups.each(special, (row) => {
      if (shown.has(row) && !row.forgotten) return;
      const left = this.#leftRow(lookups, row, position);
      if (left === undefined) known.delete(row.room);
      else known.set(row.room, left);
    });
    return known;
  }

  /**
   * Returns the row with the departure from a room, for a client that has the room and has not received the departure.
   */
  #leftRow(lookups: Lookups, row: MembershipRow, { state, since }: ClientPosition): MembershipRow | undefined {
    const sent = state?.rooms.get(row.room);
    const from = sent?.upTo ?? since ?? 0;
    if (sent === undefined || row.position <= from) return undefined;
    if (row.membership !== 'invite') return { ...row, forgotten: false };
    const ended = pastMemberships(lookups, this.#membershipHistory, [row], from).get(row.room)?.ended;
    if (ended === undefined) return undefined;
    return { ...row, membership: 'leave', event: (ended.member ?? ended.cause).num, position: ended.position };
  }
}
