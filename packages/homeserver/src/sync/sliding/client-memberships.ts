import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { Invites } from '../select/invites.ts';
import { pastMemberships } from '../select/past-memberships.ts';
import type { Rows } from '../select/stream-reader.ts';
import type { ConnectionState } from './connection-state.ts';

/** The state of a client's connection, and the position of its token. */
export interface ClientPosition {
  readonly state: ConnectionState | undefined;
  readonly since: number | undefined;
}

/** Decides which memberships a client gets to know. */
export class ClientMemberships {
  readonly #events: EventStore;
  readonly #invites: Invites;

  constructor(events: EventStore, invites: Invites) {
    this.#events = events;
    this.#invites = invites;
  }

  /**
   * Returns a user's memberships without rooms that were forgotten and without hidden invitations, except that a client
   * that has such a room is told once that it was left.
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

  /** Returns the row that says that a room was left, for a client that has it and was not told yet. */
  #leftRow(lookups: Lookups, row: MembershipRow, { state, since }: ClientPosition): MembershipRow | undefined {
    const sent = state?.rooms.get(row.room);
    const from = sent?.upTo ?? since ?? 0;
    if (sent === undefined || row.event <= from) return undefined;
    if (row.membership !== 'invite') return { ...row, forgotten: false };
    const ended = pastMemberships(lookups, this.#events, [row], from).get(row.room)?.ended;
    return ended === undefined ? undefined : { ...row, membership: 'leave', event: ended };
  }
}
