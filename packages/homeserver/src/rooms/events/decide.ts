import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import { PREV_EVENTS_MAX } from '@hearth/protocol/events/shape.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Change } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TransactionStore } from '../../storage/rooms/events/transaction-store.ts';
import type { RoomRow, RoomStore } from '../../storage/rooms/room-store.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import type { NewNode } from '../../storage/state/state-tree.ts';
import { withEntry } from '../../storage/state/state-tree.ts';
import { authForm, authStateIn, type Head } from '../head.ts';
import type { Basis } from './basis.ts';
import type { BuiltEvent, EventBuilder } from './build.ts';
import type { EventDraft, TransactionKey } from './draft.ts';
import { type Effects, type EventEffects, noEffects } from './effects.ts';
import type { DraftRelations } from './relations.ts';

export interface AcceptOptions {
  /** The transaction id under which a device sends the only event of the part. */
  readonly transaction?: TransactionKey;
  /** Whether the room is new, so that its row is inserted instead of updated. */
  readonly isNew?: boolean;
  /** Writes that belong to the same transaction, such as an alias or a place in the directory. */
  readonly with?: readonly Write[];
  /** Guards that belong to the same transaction: it changes nothing when one of them fails. */
  readonly guards?: readonly Write[];
  /** The state on which the drafts are based. If it has changed, nothing is stored and no event is returned. */
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
  /** Further changes that are announced, and the update of other caches after the commit. */
  readonly also?: { readonly changes: readonly Change[]; readonly committed: () => void };
}

interface DecidedStores {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly transactions: TransactionStore;
}

const NO_EVENTS: readonly StoredEvent[] = [];

/** Decides events: authorises drafts against a head and advances it, without waiting for anything. */
export class Decider {
  readonly #stores: DecidedStores;
  readonly #builder: EventBuilder;
  readonly #effects: EventEffects;

  constructor(stores: DecidedStores, builder: EventBuilder, effects: EventEffects) {
    this.#stores = stores;
    this.#builder = builder;
    this.#effects = effects;
  }

  /** Authorises the drafts of a part and advances its head. @throws MatrixError M_FORBIDDEN; the head is as before then */
  decide(part: Part, related: readonly DraftRelations[], decided: readonly Decided[]): Decided {
    const { head } = part;
    const { names, events: store, rooms } = this.#stores;
    const drafts = part.complete?.(decided.flatMap(({ events }) => events)) ?? part.drafts;
    const before = { row: head.row, extremities: head.extremities };
    const created: NewNode[] = [];
    const effects = noEffects();
    const events: StoredEvent[] = [];
    const writes: Write[] = [];
    try {
      for (const [i, draft] of drafts.entries()) {
        const { event, proof } = this.#authorised(head, draft);
        events.push(event);
        writes.push(store.insert(event, proof), ...this.#advance(head, event, created));
        this.#effects.addRelation(event, related[i]?.own, effects);
        this.#effects.addRedaction(event, { target: draft.redacts, relation: related[i]?.redacted }, head, effects);
        if (draft.redactsUnknown !== undefined) this.#effects.addEarlyRedaction(event, draft.redactsUnknown, effects);
        this.#effects.addSticky(event, effects);
      }
    } catch (error) {
      this.undo({ head, before, events });
      throw error;
    }
    for (const event of events) this.#effects.addMembership(event, head, effects);
    this.#rememberTransaction(events, part.transaction, effects);
    const { fence } = before.row;
    const row = { ...head.row, fence: fence + 1 };
    head.row = row;
    const guards = [part.isNew === true ? rooms.insert(row) : rooms.advance(row, fence)];
    if (part.guards !== undefined) guards.push(...part.guards);
    writes.push(...names.inserts(...namesOf(head, events, related)), ...effects.writes, ...(part.with ?? []));
    return { head, events, before, row, guards, writes, effects };
  }

  /**
   * Builds and authorises the events of drafts on a head without changing it.
   * @throws MatrixError M_FORBIDDEN
   */
  preview(head: Head, drafts: readonly EventDraft[]): BuiltEvent[] {
    const before = { row: head.row, extremities: head.extremities };
    const built: BuiltEvent[] = [];
    try {
      for (const draft of drafts) {
        const next = this.#authorised(head, draft);
        built.push(next);
        this.#advance(head, next.event, []);
      }
      return built;
    } finally {
      this.undo({ head, before, events: built.map(({ event }) => event) });
    }
  }

  /** Restores a head to its state before events that are not accepted after all. */
  undo({ head, before, events }: Pick<Decided, 'head' | 'before' | 'events'>): void {
    head.shrink(head.row.seq - before.row.seq);
    Object.assign(head, before);
    this.#stores.events.forget(events.map(({ num }) => num));
  }

  /** Builds the event of a draft and authorises it. @throws MatrixError M_FORBIDDEN */
  #authorised(head: Head, draft: EventDraft): BuiltEvent {
    const next = this.#builder.build(draft, head);
    const refusal = authorise(authForm(next.event, next.prevEvents), authStateIn(head), head.version);
    if (refusal !== undefined) throw forbidden(refusal);
    return next;
  }

  /** Advances the head to an event. Returns the writes of the state after it. */
  #advance(head: Head, event: StoredEvent, created: NewNode[]): Write[] {
    const { row } = head;
    // An event follows at most twenty others. Further extremities stay.
    const left = head.extremities.length > PREV_EVENTS_MAX ? head.extremities.slice(0, -PREV_EVENTS_MAX) : NO_EVENTS;
    const moved = {
      ...row,
      seq: row.seq + 1,
      lastEvent: event.num,
      depth: event.depth,
      extremities: [...left.map(({ num }) => num), event.num],
    };
    head.extremities = [...left, event];
    head.grow(event);
    if (event.stateKeyNum === null) {
      head.row = moved;
      return [];
    }
    created.length = 0;
    const root = withEntry(row.root, { type: event.typeNum, stateKey: event.stateKeyNum, event: event.num }, created);
    head.row = { ...moved, snapshot: event.num, root };
    return this.#stores.states.snapshotWrites(event.num, event.room, root, created);
  }

  #rememberTransaction(
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
    const { device, txn } = transaction;
    effects.writes.push(this.#stores.transactions.insert(device, txn, event.num, event.ts));
  }
}

/** Returns the numbers of all names in the rows of the events. */
function namesOf(head: Head, events: readonly StoredEvent[], related: readonly DraftRelations[]): number[] {
  const nums = [head.num];
  for (const { typeNum, senderNum, stateKeyNum } of events) {
    nums.push(typeNum, senderNum);
    if (stateKeyNum !== null) nums.push(stateKeyNum);
  }
  for (const { own } of related) if (own !== undefined) nums.push(own.relType);
  return nums;
}
