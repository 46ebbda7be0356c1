import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { AggregationStore } from '../storage/aggregation-store.ts';
import { Fenced, type Write } from '../storage/database.ts';
import type { EventStore } from '../storage/event-store.ts';
import type { Names } from '../storage/names.ts';
import type { RoomStore } from '../storage/room-store.ts';
import type { StateStore } from '../storage/state-store.ts';
import type { NewNode } from '../storage/state-tree.ts';
import { withEntry } from '../storage/state-tree.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import type { Change, Stream } from '../storage/stream.ts';
import type { TransactionStore } from '../storage/transaction-store.ts';
import type { Basis } from './basis.ts';
import { type BuiltEvent, build, decidingState } from './build.ts';
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
import { authForm, type Head, toAuthEvent } from './head.ts';
import type { Heads } from './heads.ts';
import type { Signer } from './signer.ts';
import { tiesOf } from './ties.ts';
import type { UserRooms } from './user-rooms.ts';

/** What the one door for events works with. */
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
  /** The state that the drafts rest on. If it has changed nothing happens, and no event is returned. */
  readonly basis?: Basis;
}

/**
 * The one door for every event of this server: authorises drafts against the room's head, in order, moves the head on
 * and stores everything in one transaction, all or nothing. Resolves when that is on disk and announced. When the room
 * turns out to have moved on without this head, it is all decided again on the head as it is.
 * @throws MatrixError M_FORBIDDEN when the rules refuse one of the events
 */
export async function accept(
  deps: AcceptDeps,
  head: Head,
  drafts: readonly EventDraft[],
  options: AcceptOptions = {},
): Promise<StoredEvent[]> {
  try {
    return await acceptOn(deps, head, drafts, options);
  } catch (error) {
    if (!(error instanceof Fenced) || options.isNew === true) throw error;
    const current = await deps.heads.byNum(head.num);
    if (current === undefined) throw error;
    return acceptOn(deps, current, drafts, options);
  }
}

async function acceptOn(
  deps: AcceptDeps,
  head: Head,
  drafts: readonly EventDraft[],
  options: AcceptOptions,
): Promise<StoredEvent[]> {
  // What is in memory is not waited for.
  const found = tiesOf(deps, head.num, drafts);
  const ties = found instanceof Promise ? await found : found;
  const interned = intern(deps.names, drafts);
  if (interned !== undefined) await interned;
  const prepared = prepare(head, drafts, options.basis);
  if (prepared !== undefined) await prepared;
  if (options.basis?.holds(head) === false) return [];
  // From here to the commit there is no await: whatever is decided is decided on the head as it is.
  const before = { row: head.row, extremities: head.extremities };
  const created: NewNode[] = [];
  const effects = noEffects();
  const built: BuiltEvent[] = [];
  const writes: Write[] = [];
  try {
    for (const [i, draft] of drafts.entries()) {
      const next = decide(deps, head, draft);
      built.push(next);
      writes.push(deps.events.insert(next.event, next.proof), ...advance(deps, head, next.event, created));
      applyRelation(next.event, ties[i]?.own, deps, effects);
      applyRedaction(next.event, { target: draft.redacts, tie: ties[i]?.redacted }, head, deps, effects);
      applySticky(next.event, deps, effects);
    }
  } catch (error) {
    head.shrink(head.row.seq - before.row.seq);
    Object.assign(head, before);
    deps.events.forget(built.map(({ event }) => event.num));
    throw error;
  }
  for (const { event } of built) applyMembership(event, head, deps, effects);
  const events = built.map(({ event }) => event);
  rememberTransaction(deps, events, options.transaction, effects);
  const { fence } = before.row;
  head.row = { ...head.row, fence: fence + 1 };
  const first = options.isNew === true ? deps.rooms.insert(head.row) : deps.rooms.advance(head.row, fence);
  head.pending = commit(deps, head, events, [first, ...writes, ...effects.writes, ...(options.with ?? [])], effects);
  await head.pending;
  return events;
}

/** Gives a number to every name in the drafts. */
function intern(names: Names, drafts: readonly EventDraft[]): Promise<unknown> | undefined {
  const texts = drafts.flatMap(({ type, stateKey, sender }) =>
    stateKey === undefined ? [type, sender] : [type, sender, stateKey],
  );
  return texts.some((text) => names.cachedNum(text) === undefined) ? names.nums(texts) : undefined;
}

/** Brings the state that decides about the drafts, and that they replace, into memory. */
function prepare(head: Head, drafts: readonly EventDraft[], basis: Basis | undefined): Promise<void> | undefined {
  const keys = drafts.flatMap((draft) => [
    ...decidingState(draft, head),
    ...(draft.stateKey === undefined ? [] : [[draft.type, draft.stateKey] as const]),
  ]);
  return head.ensure(basis === undefined ? keys : [...keys, ...basis.keys]);
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

async function commit(
  deps: AcceptDeps,
  head: Head,
  events: readonly StoredEvent[],
  writes: readonly Write[],
  effects: Effects,
): Promise<void> {
  const changes = events.map(({ num }): Change => ({ kind: 'event', position: num, room: head.num, event: num }));
  const { row } = head;
  try {
    await deps.stream.commit(writes, changes, () => {
      head.stored = row;
      deps.events.stored(events);
      for (const event of effects.redacted) deps.events.replace(event);
      for (const { child, type, parent } of effects.children) deps.aggregations.added(child, type, parent);
      for (const { child, type, parent } of effects.lost) deps.aggregations.removed(child, type, parent);
      for (const row of effects.sticky) deps.sticky.add(row);
      for (const membership of effects.memberships) deps.userRooms.apply(membership);
      if (effects.memberships.length > 0) head.heroes = undefined;
    });
  } catch (error) {
    // Every event that was decided on this head builds on what is lost now: they fail at the fence.
    deps.heads.drop(head);
    deps.events.forget(events.map(({ num }) => num));
    throw error;
  }
}
