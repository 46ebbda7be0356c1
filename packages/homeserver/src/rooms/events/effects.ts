import { redactContent } from '@hearth/protocol/events/redact.ts';
import { asString } from '@hearth/protocol/json/value.ts';
import type { Write } from '../../storage/engine/database.ts';
import { type Aggregated, isAggregated } from '../../storage/rooms/events/aggregations.ts';
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
import type { Tie } from './ties.ts';

/** The stores that an accepted event has effects on. */
export interface EffectStores {
  readonly events: EventStore;
  readonly memberships: MembershipStore;
  readonly relations: RelationStore;
  readonly sticky: StickyStore;
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
  /** The values that caches take over after the commit. */
  readonly memberships: MembershipRow[];
  readonly redacted: StoredEvent[];
  /** Children that are shown with their parent. */
  readonly children: Child[];
  /** Such children that are redacted. */
  readonly lost: Child[];
  readonly sticky: StickyRow[];
}

export function noEffects(): Effects {
  return { writes: [], memberships: [], redacted: [], children: [], lost: [], sticky: [] };
}

/** A sticky event is remembered until it no longer is (MSC4354). */
export function applySticky(event: StoredEvent, stores: EffectStores, effects: Effects): void {
  const expires_ts = event.stickyUntil;
  if (expires_ts === undefined) return;
  const row = { num: event.num, room: event.room, expires_ts };
  effects.writes.push(stores.sticky.insert(row));
  effects.sticky.push(row);
}

/** A member event moves its user's membership. */
export function applyMembership(event: StoredEvent, head: Head, stores: EffectStores, effects: Effects): void {
  if (event.type !== 'm.room.member' || event.stateKeyNum === null) return;
  const membership = membershipOf(event);
  effects.writes.push(stores.memberships.put(event.stateKeyNum, event.room, membership, event.num));
  effects.memberships.push({
    user: event.stateKeyNum,
    room: event.room,
    membership,
    event: event.num,
    forgotten: false,
  });
  const replaced = event.replaces === null ? undefined : stores.events.cached(event.replaces);
  count(head, replaced === undefined ? 'none' : membershipOf(replaced), -1);
  count(head, membership, 1);
  if (membership === 'join') head.joined.add(event.stateKeyNum);
  else head.joined.delete(event.stateKeyNum);
}

/** Keeps the room's numbers of members. */
function count(head: Head, membership: Membership, by: number): void {
  if (membership === 'join') head.row = { ...head.row, joined: head.row.joined + by };
  if (membership === 'invite') head.row = { ...head.row, invited: head.row.invited + by };
}

/**
 * A redaction takes its target's content away, on disk as well (client-server API, "Redactions"), and with it what the
 * target relates to, except that a redacted reply still belongs to its thread.
 */
export function applyRedaction(
  event: StoredEvent,
  redacts: { readonly target: StoredEvent | undefined; readonly tie: Tie | undefined },
  head: Head,
  stores: EffectStores,
  effects: Effects,
): void {
  const { target, tie } = redacts;
  if (target === undefined || target.redactedBy !== null) return;
  const content = JSON.stringify(redactContent(target.type, target.content, head.version));
  const { write, redacted } = stores.events.redact(target, event.num, content);
  effects.writes.push(write);
  effects.redacted.push(redacted);
  if (tie === undefined) return;
  if (tie.type !== 'm.thread') effects.writes.push(stores.relations.remove({ ...tie, child: target.num }));
  if (isAggregated(tie.type)) effects.lost.push({ child: redacted, type: tie.type, parent: tie.parent });
}

/** A relation is remembered with its parent. */
export function applyRelation(event: StoredEvent, tie: Tie | undefined, stores: EffectStores, effects: Effects): void {
  if (tie === undefined) return;
  const { parent, type } = tie;
  if (isAggregated(type)) effects.children.push({ child: event, type, parent });
  const thread = type === 'm.thread' ? event.room : undefined;
  effects.writes.push(...stores.relations.insert({ ...tie, child: event.num }, thread));
}

/** The membership in a member event; `leave` for contents that make no sense. */
export function membershipOf(event: StoredEvent): Membership {
  const membership = asString(event.content.membership);
  return MEMBERSHIPS.find((known) => known === membership) ?? 'leave';
}
