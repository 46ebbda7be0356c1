import { historyVisibility, mayRead } from '@hearth/protocol/visibility/visibility.ts';
import { complete, type Lookups } from '../platform/lookups/lookups.ts';
import type { Retention } from '../retention/retention.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { MembershipHistory } from '../rooms/membership/membership-history.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { StateStore } from '../storage/state/state-store.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly userRooms: UserRooms;
  readonly membershipHistory: MembershipHistory;
  readonly retention: Retention;
}

/** An event that a user may read, with the user's membership at that time (client-server API, "unsigned.membership"). */
export interface VisibleEvent {
  readonly event: StoredEvent;
  readonly membership: string;
}

/** Determines the events of a room that a user may read (client-server API, "Room History Visibility"). */
export class Visibility {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the given events of a room that a user may read, in the same order. */
  visibleTo(user: number, room: number, events: readonly StoredEvent[]): Promise<VisibleEvent[]> {
    return complete((lookups) => this.visible(lookups, user, room, events));
  }

  /**
   * Returns the same as {@link visibleTo}. A current member may read all events after the latest change of the own
   * membership. For other events, the state before each is looked up.
   */
  visible(lookups: Lookups, user: number, room: number, all: readonly StoredEvent[]): VisibleEvent[] {
    const { retention, userRooms } = this.#parts;
    const events = retention.isActive ? retention.withoutExpired(lookups, room, all) : all;
    const row = lookups.get(userRooms.source, user).get(room);
    const since = row?.membership === 'join' ? row.position : Number.POSITIVE_INFINITY;
    const visible: VisibleEvent[] = [];
    const older = events.filter(({ num }) => num <= since);
    const memberships = older.length === 0 ? undefined : this.#memberships(lookups, user, row, older);
    for (const event of events) {
      const membership = event.num > since ? 'join' : memberships?.get(event.num);
      if (membership !== undefined) visible.push({ event, membership });
    }
    return visible;
  }

  /** Returns the user's membership at each event that the user may read. */
  #memberships(
    lookups: Lookups,
    user: number,
    row: MembershipRow | undefined,
    events: readonly StoredEvent[],
  ): ReadonlyMap<number, string> {
    const end = this.#endOfMembership(lookups, row);
    const found = new Map<number, string>();
    lookups.each(events, (event) => {
      const { visibility, membership } = this.#stateBefore(lookups, user, event);
      const isOwnMembership = event.type === 'm.room.member' && event.stateKeyNum === user;
      const after = isOwnMembership ? membershipOf(event) : undefined;
      const readable = mayRead({
        visibility: historyVisibility(visibility?.content.history_visibility),
        ...(event.type === 'm.room.history_visibility' && event.stateKey === ''
          ? { visibilityAfter: historyVisibility(event.content.history_visibility) }
          : {}),
        membership: membership === undefined ? undefined : membershipOf(membership),
        membershipAfter: after,
        joinedLater: event.num < end,
      });
      // Users always see their own departures, kicks, bans and invitations.
      if (readable || isOwnMembership)
        found.set(event.num, after ?? (membership === undefined ? 'leave' : membershipOf(membership)));
    });
    return found;
  }

  /** Returns the position up to which the user was a member; infinite for a member, 0 if the user never was one. */
  #endOfMembership(lookups: Lookups, row: MembershipRow | undefined): number {
    if (row?.membership === 'join') return Number.POSITIVE_INFINITY;
    return row === undefined ? 0 : (this.#parts.membershipHistory.end(lookups, row)?.position ?? 0);
  }

  /** Returns the history visibility and the user's membership before an event. */
  #stateBefore(lookups: Lookups, user: number, { snapshot }: StoredEvent) {
    const { names, states, events } = this.#parts;
    const root = lookups.get(states.snapshotSource, snapshot);
    if (root === undefined) return {};
    const [historyType = 0, memberType = 0, emptyKey = 0] = lookups.all(names.wellKnownSource, [
      'm.room.history_visibility',
      'm.room.member',
      '',
    ]);
    const nums = lookups.all(states.placeSource, [
      { root, type: historyType, stateKey: emptyKey },
      { root, type: memberType, stateKey: user },
    ]);
    const [visibility, membership] = lookups.each(nums, (num) =>
      num === undefined ? undefined : lookups.get(events.source, num),
    );
    return { visibility, membership };
  }
}
