import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Source } from '../../platform/lookups/source.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { LatestEvents } from '../../storage/rooms/events/timeline-store.ts';
import type { Membership, MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { membershipOf } from '../events/effects.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  /** The last events of rooms at a position. */
  readonly latest: Source<LatestEvents, readonly number[]>;
}

/** A change of a user's membership of a room. */
export interface MembershipChange {
  readonly membership: Membership;
  /** The position in the stream at which the membership has changed. */
  readonly position: number;
  /** The member event; `undefined` if the resolution of states has removed it from the state. */
  readonly member: StoredEvent | undefined;
  /**
   * The event with which the membership has changed: the member event, or another after which the resolution of states has a
   * different result.
   */
  readonly cause: StoredEvent;
}

/** The past memberships of users. */
export class MembershipHistory {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Iterates over the changes of a membership, from the latest back to the first. Earlier changes by the resolution of
   * states are left out: an earlier member event counts from its own position, even if it was replaced and came back later.
   */
  *back(lookups: Lookups, row: MembershipRow): Generator<MembershipChange, undefined> {
    const { events } = this.#parts;
    const latest = this.latest(lookups, row);
    if (latest === undefined) return;
    yield latest;
    let num = this.#before(lookups, row, latest);
    while (num !== undefined) {
      const member: StoredEvent | undefined = lookups.get(events.source, num);
      if (member === undefined) return;
      yield { membership: membershipOf(member), position: num, member, cause: member };
      num = member.replaces ?? undefined;
    }
  }

  /** Returns the change to the current membership. */
  latest(lookups: Lookups, row: MembershipRow): MembershipChange | undefined {
    const { membership, position } = row;
    const event = lookups.get(this.#parts.events.source, row.event);
    if (event === undefined) return undefined;
    const isMember = event.type === 'm.room.member' && event.stateKeyNum === row.user;
    const member = isMember && membershipOf(event) === membership ? event : undefined;
    return { membership, position, member, cause: this.#cause(lookups, row) ?? event };
  }

  /** Returns the membership at a position of the stream, according to the state of the room at that position. */
  at(lookups: Lookups, row: MembershipRow, position: number): Membership {
    if (row.position <= position) return row.membership;
    // While this server is not in the room, it knows only the events that concern its own users.
    const change = this.#firstUpTo(lookups, row, position);
    if (change?.member?.isOutside === true) return change.membership;
    return this.inState(lookups, row, position);
  }

  /**
   * Returns the membership in the state of the room at a position of the stream: the same as {@link at} for a user of another
   * server, and for the question whether a user has joined.
   */
  inState(lookups: Lookups, row: MembershipRow, position: number): Membership {
    if (row.position <= position) return row.membership;
    const last = this.#last(lookups, row.room, position);
    const num = last && this.#memberIn(lookups, row, last.snapshotAfter);
    if (num === undefined) return 'none';
    // The member event was current already, but the state of the room was partial.
    if (num === row.event) return row.membership;
    const member = lookups.get(this.#parts.events.source, num);
    return member === undefined ? 'none' : membershipOf(member);
  }

  /** Returns the change that ended the user's last time as a member; `undefined` if the user never was one. */
  end(lookups: Lookups, row: MembershipRow): MembershipChange | undefined {
    let later: MembershipChange | undefined;
    for (const change of this.back(lookups, row)) {
      if (change.membership === 'join') return later;
      later = change;
    }
    return undefined;
  }

  #firstUpTo(lookups: Lookups, row: MembershipRow, position: number): MembershipChange | undefined {
    for (const change of this.back(lookups, row)) if (change.position <= position) return change;
    return undefined;
  }

  /** Returns the event at the position of the latest change, or the last before it if the whole state became known there. */
  #cause(lookups: Lookups, { room, position, event }: MembershipRow): StoredEvent | undefined {
    const cause = lookups.get(this.#parts.events.source, position);
    return cause !== undefined || position === event ? cause : this.#last(lookups, room, position);
  }

  /** Returns the number of the member event before the latest change. */
  #before(lookups: Lookups, row: MembershipRow, { member, cause }: MembershipChange): number | undefined {
    const replaced = member?.replaces ?? undefined;
    if (cause === member || cause.num !== row.position) return replaced;
    const before = this.#memberIn(lookups, row, cause.snapshot);
    return before !== undefined && before === member?.num ? replaced : before;
  }

  /** Returns the number of a user's member event in a snapshot. */
  #memberIn(lookups: Lookups, { user }: MembershipRow, snapshot: number): number | undefined {
    const root = lookups.get(this.#parts.states.snapshotSource, snapshot);
    if (root === undefined) return undefined;
    const type = lookups.get(this.#parts.names.wellKnownSource, 'm.room.member');
    return lookups.get(this.#parts.states.placeSource, { root, type, stateKey: user });
  }

  /** Returns the last event of a room at a position. */
  #last(lookups: Lookups, room: number, position: number): StoredEvent | undefined {
    const [num] = lookups.get(this.#parts.latest, { room, position, limit: 1 });
    return num === undefined ? undefined : lookups.get(this.#parts.events.source, num);
  }
}
