import { redactContent } from '@hearth/protocol/events/redact.ts';
import { asString } from '@hearth/protocol/json/value.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { AggregationStore } from '../../storage/rooms/events/aggregation-store.ts';
import { type Aggregated, isAggregated } from '../../storage/rooms/events/aggregations.ts';
import type { EarlyReferences } from '../../storage/rooms/events/early-references.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../../storage/rooms/events/relation-store.ts';
import type { StickyRow, StickyStore } from '../../storage/rooms/events/sticky-events.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import {
  MEMBERSHIPS,
  type Membership,
  type MembershipRow,
  type MembershipStore,
} from '../../storage/rooms/membership-store.ts';
import type { Head } from '../head.ts';
import type { UserRooms } from '../membership/user-rooms.ts';
import type { EventRelation } from './relations.ts';

/** The stores and caches that an accepted event changes. */
interface AffectedStores {
  readonly events: EventStore;
  readonly memberships: MembershipStore;
  readonly userRooms: UserRooms;
  readonly relations: RelationStore;
  readonly aggregations: AggregationStore;
  readonly sticky: StickyStore;
  readonly earlyReferences: EarlyReferences;
}

/** The event that has led to changes of memberships, and the position in the stream at which they take effect. */
export interface MemberChangeCause {
  readonly event: StoredEvent;
  /** The number of the event, unless the changes correct what was assumed after it. */
  readonly position: number;
}

/** An event that is shown with its parent. */
interface Child {
  readonly child: StoredEvent;
  readonly type: Aggregated;
  readonly parent: number;
}

/** The changes that an accepted event causes besides timeline and state: more writes, and actions once they are stored. */
export interface Effects {
  readonly writes: Write[];
  /** The memberships that caches get after the commit. */
  readonly memberships: MembershipRow[];
  readonly redacted: StoredEvent[];
  /** Children that are shown with their parent. */
  readonly children: Child[];
  /** Redacted children that were shown with their parent. */
  readonly lost: Child[];
  readonly sticky: StickyRow[];
}

export function noEffects(): Effects {
  return { writes: [], memberships: [], redacted: [], children: [], lost: [], sticky: [] };
}

/** The effects of accepted events besides timeline and state. */
export class EventEffects {
  readonly #stores: AffectedStores;

  constructor(stores: AffectedStores) {
    this.#stores = stores;
  }

  /** Adds the row of a sticky event, which is kept until the event is no longer sticky (MSC4354). */
  addSticky(event: StoredEvent, effects: Effects): void {
    const expires_ts = event.stickyUntil;
    if (expires_ts === undefined) return;
    const row = { num: event.num, room: event.room, expires_ts };
    effects.writes.push(this.#stores.sticky.insert(row));
    effects.sticky.push(row);
  }

  /** Adds the change of the membership of a member event, and updates the head's members. */
  addMembership(event: StoredEvent, head: Head, effects: Effects): void {
    if (event.type !== 'm.room.member' || event.stateKeyNum === null) return;
    const replaced = event.replaces === null ? undefined : this.#stores.events.cached(event.replaces);
    const cause = { event, position: event.num };
    this.addMemberChange(event.stateKeyNum, { before: replaced, after: event, cause }, head, effects);
  }

  /**
   * Adds the change of a user's member event in the state of a room, and updates the head's members. `after` is
   * undefined when the resolution of the state has removed the member event.
   */
  addMemberChange(
    user: number,
    change: {
      readonly before: StoredEvent | undefined;
      readonly after: StoredEvent | undefined;
      readonly cause: MemberChangeCause;
    },
    head: Head,
    effects: Effects,
  ): void {
    const { before, after, cause } = change;
    const membership = after === undefined ? 'leave' : membershipOf(after);
    const event = (after ?? cause.event).num;
    const row = { user, room: head.num, membership, event, position: cause.position, forgotten: false };
    effects.writes.push(this.#stores.memberships.put(row));
    effects.memberships.push(row);
    count(head, before === undefined ? 'none' : membershipOf(before), -1);
    count(head, membership, 1);
    if (membership === 'join') head.joined.add(user);
    else head.joined.delete(user);
    // The next decision may need the servers before the commit.
    head.servers = undefined;
  }

  /**
   * Adds the deletion of the content of a redaction's target (client-server API, "Redactions") and of the target's
   * relation, except that a redacted reply still belongs to its thread.
   */
  addRedaction(
    event: StoredEvent,
    redacts: { readonly target: StoredEvent | undefined; readonly relation: EventRelation | undefined },
    head: Head,
    effects: Effects,
  ): void {
    const { target, relation } = redacts;
    if (target === undefined || target.redactedBy !== null) return;
    const { events, relations } = this.#stores;
    const content = JSON.stringify(redactContent(target.type, target.content, head.version));
    const { write, redacted } = events.redact(target, event.num, content);
    effects.writes.push(write);
    effects.redacted.push(redacted);
    if (relation === undefined) return;
    if (relation.type !== 'm.thread') effects.writes.push(relations.remove({ ...relation, child: target.num }));
    if (isAggregated(relation.type))
      effects.lost.push({ child: redacted, type: relation.type, parent: relation.parent });
  }

  /** Adds the row of a redaction whose target this server does not have. */
  addEarlyRedaction(event: StoredEvent, targetId: string, effects: Effects): void {
    effects.writes.push(this.#stores.earlyReferences.insert(targetId, event));
  }

  /** Adds the row of a relation. */
  addRelation(event: StoredEvent, relation: EventRelation | undefined, effects: Effects): void {
    if (relation === undefined) return;
    const { parent, type } = relation;
    if (isAggregated(type)) effects.children.push({ child: event, type, parent });
    const thread = type === 'm.thread' ? event.room : undefined;
    effects.writes.push(...this.#stores.relations.insert({ ...relation, child: event.num }, thread));
  }

  /** Updates the caches after the commit. */
  committed(head: Head, effects: Effects): void {
    const { events, aggregations, sticky, userRooms } = this.#stores;
    for (const event of effects.redacted) events.replace(event);
    for (const { child, type, parent } of effects.children) aggregations.added(child, type, parent);
    for (const { child, type, parent } of effects.lost) aggregations.removed(child, type, parent);
    for (const row of effects.sticky) sticky.add(row);
    for (const membership of effects.memberships) userRooms.apply(membership);
    if (effects.memberships.length > 0) {
      head.heroes = undefined;
      head.servers = undefined;
    }
  }
}

/** Updates the numbers of members of a room. */
function count(head: Head, membership: Membership, by: number): void {
  if (membership === 'join') head.row = { ...head.row, joined: head.row.joined + by };
  if (membership === 'invite') head.row = { ...head.row, invited: head.row.invited + by };
}

/** Returns the membership in a member event; `leave` for invalid contents. */
export function membershipOf(event: StoredEvent): Membership {
  const membership = asString(event.content.membership);
  return MEMBERSHIPS.find((known) => known === membership) ?? 'leave';
}
