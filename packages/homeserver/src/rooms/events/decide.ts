import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { AggregationStore } from '../../storage/rooms/events/aggregation-store.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TransactionStore } from '../../storage/rooms/events/transaction-store.ts';
import type { RoomRow, RoomStore } from '../../storage/rooms/room-store.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import type { NewNode } from '../../storage/state/state-tree.ts';
import { withEntry } from '../../storage/state/state-tree.ts';
import { authForm, type Head, toAuthEvent } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { UserRooms } from '../membership/user-rooms.ts';
import type { Basis } from './basis.ts';
import { type BuiltEvent, build } from './build.ts';
import type { EventDraft, TransactionKey } from './draft.ts';
import {
  applyMembership,
  applyRedaction,
  applyRelation,
  applySticky,
  type EffectStores,
  type Effects,
  noEffects,
} from './effects.ts';
import type { Signer } from './signer.ts';
import type { Ties } from './ties.ts';

/** The stores and caches that accepting events works with. */
export interface AcceptDeps extends EffectStores {
  readonly clock: Clock;
  readonly names: Names;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly aggregations: AggregationStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly transactions: TransactionStore;
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly signer: Signer;
  /** Makes an opaque event id, for room versions 1 and 2. */
  readonly opaqueEventId: () => string;
}

export interface AcceptOptions {
  /** Remembers under which id a device has sent the (only) event. */
  readonly transaction?: TransactionKey;
  /** The room does not exist yet: its row is made instead of moved on. */
  readonly isNew?: boolean;
  /** Writes that belong to the same transaction, such as an alias or a place in the directory. */
  readonly with?: readonly Write[];
  /** Guards that belong to the same transaction: it changes nothing when one of them fails. */
  readonly guards?: readonly Write[];
  /** The state that the drafts rest on. If it has changed nothing happens, and no event is returned. */
  readonly basis?: Basis;
}

/** Events for one room, in order. */
export interface Part extends AcceptOptions {
  readonly head: Head;
  readonly drafts: readonly EventDraft[];
  /** Completes the drafts with what depends on the events of the parts before. Types, senders and state keys stay. */
  readonly complete?: (before: readonly StoredEvent[]) => readonly EventDraft[];
}

/** The accepted events of one room, with what has to be written. */
export interface Decided {
  readonly head: Head;
  readonly events: readonly StoredEvent[];
  /** The head as it was before. */
  readonly before: Pick<Head, 'row' | 'extremities'>;
  /** The row after the last of the events. */
  readonly row: RoomRow;
  /** Guards: the fence, which fails when another writer has advanced the room, and those of the part. */
  readonly guards: readonly Write[];
  readonly writes: readonly Write[];
  readonly effects: Effects;
}

/** Authorises the drafts of a part and advances its head. */
export function decidePart(deps: AcceptDeps, part: Part, ties: readonly Ties[], decided: readonly Decided[]): Decided {
  const { head } = part;
  const drafts = part.complete?.(decided.flatMap(({ events }) => events)) ?? part.drafts;
  const before = { row: head.row, extremities: head.extremities };
  const created: NewNode[] = [];
  const effects = noEffects();
  const events: StoredEvent[] = [];
  const writes: Write[] = [];
  try {
    for (const [i, draft] of drafts.entries()) {
      const { event, proof } = decide(deps, head, draft);
      events.push(event);
      writes.push(deps.events.insert(event, proof), ...advance(deps, head, event, created));
      applyRelation(event, ties[i]?.own, deps, effects);
      applyRedaction(event, { target: draft.redacts, tie: ties[i]?.redacted }, head, deps, effects);
      applySticky(event, deps, effects);
    }
  } catch (error) {
    undo(deps, { head, before, events });
    throw error;
  }
  for (const event of events) applyMembership(event, head, deps, effects);
  rememberTransaction(deps, events, part.transaction, effects);
  const { fence } = before.row;
  const row = { ...head.row, fence: fence + 1 };
  head.row = row;
  const guards = [part.isNew === true ? deps.rooms.insert(row) : deps.rooms.advance(row, fence)];
  if (part.guards !== undefined) guards.push(...part.guards);
  writes.push(...deps.names.inserts(...namesOf(head, events, ties)), ...effects.writes, ...(part.with ?? []));
  return { head, events, before, row, guards, writes, effects };
}

/** Returns the numbers of all names in the rows of the events. */
function namesOf(head: Head, events: readonly StoredEvent[], ties: readonly Ties[]): number[] {
  const nums = [head.num];
  for (const { typeNum, senderNum, stateKeyNum } of events) {
    nums.push(typeNum, senderNum);
    if (stateKeyNum !== null) nums.push(stateKeyNum);
  }
  for (const { own } of ties) if (own !== undefined) nums.push(own.relType);
  return nums;
}

/** Puts a head back to where it was before events were decided that are not accepted after all. */
export function undo(deps: AcceptDeps, { head, before, events }: Pick<Decided, 'head' | 'before' | 'events'>): void {
  head.shrink(head.row.seq - before.row.seq);
  Object.assign(head, before);
  deps.events.forget(events.map(({ num }) => num));
}

function decide(deps: AcceptDeps, head: Head, draft: EventDraft): BuiltEvent {
  const next = build(draft, head, {
    num: deps.stream.next(),
    ts: deps.clock.now(),
    names: deps.names,
    signer: deps.signer,
    ...(head.version.eventIdFormat === 'v1' ? { eventId: deps.opaqueEventId() } : {}),
  });
  const state = (type: string, stateKey: string) => {
    const event = head.known(type, stateKey);
    return event === undefined ? undefined : toAuthEvent(event);
  };
  const refusal = authorise(authForm(next.event, next.prevEvents), state, head.version);
  if (refusal !== undefined) throw forbidden(refusal);
  return next;
}

/** Moves the head behind an event. */
function advance(deps: AcceptDeps, head: Head, event: StoredEvent, created: NewNode[]): Write[] {
  const { row } = head;
  const moved = {
    ...row,
    seq: row.seq + 1,
    lastEvent: event.num,
    depth: event.depth,
    extremities: [event.num],
  };
  head.extremities = [event];
  head.grow(event);
  if (event.stateKeyNum === null) {
    head.row = moved;
    return [];
  }
  created.length = 0;
  const root = withEntry(row.root, { type: event.typeNum, stateKey: event.stateKeyNum, event: event.num }, created);
  head.row = { ...moved, snapshot: event.num, root };
  return deps.states.snapshotWrites(event.num, event.room, root, created);
}

function rememberTransaction(
  deps: AcceptDeps,
  events: readonly StoredEvent[],
  transaction: TransactionKey | undefined,
  effects: Effects,
): void {
  const [event] = events;
  if (event === undefined) return;
  for (const other of events) {
    other.transaction = null;
    // Nothing can refer to an event that does not exist yet.
    other.aggregations = null;
  }
  if (transaction === undefined) return;
  event.transaction = transaction;
  effects.writes.push(deps.transactions.insert(transaction.device, transaction.txn, event.num, event.ts));
}
