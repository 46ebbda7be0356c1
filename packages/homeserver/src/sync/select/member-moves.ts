import type { Lookups } from '../../platform/lookups/lookups.ts';
import { queried, type Source } from '../../platform/lookups/source.ts';
import type { MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING } from '../../storage/rooms/events/stored-event.ts';
import type { RoomPosition } from '../../storage/rooms/events/timeline-store.ts';
import type { MembershipRow, MembershipStore } from '../../storage/rooms/membership-store.ts';

/** Whether a user was in a room at the beginning of a range and at its end. */
export interface MemberMove {
  readonly was: boolean;
  readonly is: boolean;
  /** Whether the member event came with the state of the room, not as a change of the membership. */
  readonly isOutlier: boolean;
}

const NO_MOVES: ReadonlyMap<number, MemberMove> = new Map();

/** Finds the users whose memberships of rooms have changed. */
export class MemberMoves {
  readonly #events: EventStore;
  readonly #membershipHistory: MembershipHistory;
  /** The memberships of a room that have changed after a position. */
  readonly #moved: Source<RoomPosition, readonly MembershipRow[]>;

  constructor(parts: {
    readonly events: EventStore;
    readonly memberships: MembershipStore;
    readonly membershipHistory: MembershipHistory;
  }) {
    this.#events = parts.events;
    this.#membershipHistory = parts.membershipHistory;
    this.#moved = queried(
      ({ room, position }) => `${room}/${position}`,
      async (keys) => {
        const after = Math.min(...keys.map(({ position }) => position));
        const rows = await parts.memberships.moved([...new Set(keys.map(({ room }) => room))], after);
        const byRoom = Map.groupBy(rows, ({ room }) => room);
        return (key) => (byRoom.get(key.room) ?? []).filter(({ position }) => position > key.position);
      },
    );
  }

  /** Returns the users who have joined or left a room in a range. */
  in(
    lookups: Lookups,
    room: number,
    { since, upTo }: { readonly since: number; readonly upTo: number },
  ): ReadonlyMap<number, MemberMove> {
    const rows = lookups.get(this.#moved, { room, position: since });
    if (rows.length === 0) return NO_MOVES;
    const moves = new Map<number, MemberMove>();
    lookups.each(rows, (row) => {
      const was = this.#membershipHistory.inState(lookups, row, since) === 'join';
      const is = this.#membershipHistory.inState(lookups, row, upTo) === 'join';
      if (was === is) return;
      const isOutlier = lookups.get(this.#events.source, row.event)?.standing === STANDING.outlier;
      moves.set(row.user, { was, is, isOutlier });
    });
    return moves;
  }
}
