import { prevEventIds } from '@hearth/protocol/events/event.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EarlyReferences } from '../../storage/rooms/events/early-references.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { HistoryNumbers } from '../../storage/rooms/events/history-numbers.ts';
import type { MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { lookup } from '../../storage/state/state-tree.ts';
import { addEarlyEvents, type EarlyEvents, namesOfEarly } from '../events/early-events.ts';
import { type Effects, type EventEffects, noEffects } from '../events/effects.ts';
import { loadRelations } from '../events/relations.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import { namesIn, proofOf, remoteEvent } from '../receive/build-remote.ts';
import type { IncomingEvent } from '../receive/incoming.ts';

interface HistoryPageParts {
  readonly stores: {
    readonly names: Names;
    readonly stream: Stream;
    readonly events: EventStore;
    readonly timelines: TimelineStore;
    readonly states: StateStore;
    readonly numbers: HistoryNumbers;
    readonly graph: {
      readonly missingEvents: MissingEvents;
      readonly earlyReferences: EarlyReferences;
      readonly earlyEvents: EarlyEvents;
    };
  };
  readonly graphStates: GraphStates;
  readonly effects: EventEffects;
}

/** An event from before this server joined, with its place in the graph. */
export interface OlderEvent {
  readonly incoming: IncomingEvent;
  readonly auth: readonly StoredEvent[];
  readonly before: BuiltState;
  readonly isRejected: boolean;
  readonly numbers: OlderNumbers;
}

/** The numbers of an event and of the snapshot of the state before it. */
export interface OlderNumbers {
  readonly num: number;
  readonly snapshot: number;
  /** The outlier that is the same event. It keeps its number if it is in the current state. */
  readonly outlier: StoredEvent | undefined;
}

/** The writes of a page, and the changes of caches after their commit. */
interface WrittenPage {
  readonly writes: Write[];
  readonly effects: Effects;
  readonly inserted: StoredEvent[];
  /** Outliers that get a place in the timeline. */
  readonly placed: StoredEvent[];
  readonly numOf: Map<string, number>;
  readonly names: Set<number>;
}

/** Stores pages of history in the gaps of timelines. */
export class HistoryPages {
  readonly #parts: HistoryPageParts;

  constructor(parts: HistoryPageParts) {
    this.#parts = parts;
  }

  /**
   * Stores events, oldest first, before the event with the sequence number `before`. If another branch of history is
   * directly before that event, they are stored before that branch. Rejected events get no sequence number. All events are
   * stored, or none.
   */
  async store(head: Head, page: readonly OlderEvent[], before: number): Promise<void> {
    const { names, stream, events: store, timelines, numbers } = this.#parts.stores;
    const shown = page.filter(({ isRejected }) => !isRejected).length;
    const written: WrittenPage = {
      writes: [numbers.write()],
      effects: noEffects(),
      inserted: [],
      placed: [],
      numOf: new Map(),
      names: new Set([head.num]),
    };
    let seq = (await timelines.afterFree(head.num, before, shown)) - 1 - shown;
    for (const older of page) {
      if (!older.isRejected) seq += 1;
      await this.#add(head, older, older.isRejected ? null : seq, written);
    }
    await this.#addEarly(head, written);
    written.writes.push(...names.inserts(...written.names), ...written.effects.writes);
    try {
      await stream.commit(written.writes, [], () => {
        store.stored(written.inserted);
        for (const event of written.placed) store.replace(event);
        this.#parts.effects.committed(head, written.effects);
      });
    } catch (error) {
      store.forget(written.inserted.map(({ num }) => num));
      throw error;
    }
  }

  async #add(head: Head, older: OlderEvent, seq: number | null, written: WrittenPage): Promise<void> {
    const { names, events: store, states } = this.#parts.stores;
    const { incoming, before, numbers: given } = older;
    const { type, state_key: stateKey } = incoming.pdu;
    const event = remoteEvent(names, head.version, incoming, {
      num: given.num,
      room: head.num,
      seq,
      standing: older.isRejected ? STANDING.rejected : STANDING.accepted,
      snapshot: given.snapshot,
      graphSnapshot: null,
      after: null,
      replaces: stateKey === undefined ? null : replacedBy(names.cachedNum(type), names.cachedNum(stateKey), before),
    });
    event.transaction = null;
    const { writes } = written;
    writes.push(...states.snapshotWrites(given.snapshot, head.num, before.root, before.created));
    await this.#addRow(head, older, event, written);
    if (event.isState && !older.isRejected && !(await this.#hasSnapshot(given))) {
      const after = await this.#parts.graphStates.withEvent(before, event);
      writes.push(...states.snapshotWrites(given.num, head.num, after.root, after.created));
    }
    const { sender, content } = event;
    const [relations = {}] = await loadRelations({ events: store, names }, head.num, [{ type, sender, content }]);
    this.#parts.effects.addRelation(event, relations.own, written.effects);
    if (relations.own !== undefined) written.names.add(relations.own.relType);
    const { earlyReferences, earlyEvents } = this.#parts.stores.graph;
    const awaited = relations.own === undefined && seq !== null ? await earlyEvents.awaitedBy(event) : undefined;
    if (awaited !== undefined) writes.push(earlyReferences.insert(awaited, event));
    this.#parts.effects.addSticky(event, written.effects);
    for (const name of [event.typeNum, event.senderNum, event.stateKeyNum]) if (name !== null) written.names.add(name);
  }

  /** Adds the effects of events that arrived before those of the page to which they refer. */
  async #addEarly(head: Head, written: WrittenPage): Promise<void> {
    const { earlyReferences, earlyEvents } = this.#parts.stores.graph;
    const { effects, writes, names } = written;
    const fresh = [...written.inserted, ...written.placed].filter(({ seq }) => seq !== null);
    for (const [eventId, early] of await earlyEvents.of(head, fresh)) {
      const target = fresh.find((event) => event.eventId === eventId);
      if (target === undefined || early.length === 0) continue;
      addEarlyEvents(early, target, head, { all: this.#parts.effects, effects });
      for (const name of namesOfEarly(early)) names.add(name);
      writes.push(...earlyReferences.remove(eventId));
    }
  }

  /** Adds the row of an event and its edges in the graph. */
  async #addRow(head: Head, { incoming, auth, numbers }: OlderEvent, event: StoredEvent, written: WrittenPage) {
    const { events: store, graph } = this.#parts.stores;
    const { missingEvents } = graph;
    const { writes, numOf } = written;
    numOf.set(event.eventId, event.num);
    const prevIds = prevEventIds(incoming.pdu, head.version);
    const known = await store.numsOf(prevIds.filter((id) => !numOf.has(id)));
    const prev = prevIds.flatMap((id) => numOf.get(id) ?? known.get(id) ?? []);
    const authNums = auth.map(({ num }) => num);
    const proof = proofOf(incoming.pdu, prev, authNums);
    if (numbers.outlier?.num === event.num) {
      writes.push(store.place(event, proof));
      written.placed.push(event);
    } else {
      if (numbers.outlier !== undefined) writes.push(store.markRepeated(numbers.outlier));
      writes.push(store.insert(event, proof));
      written.inserted.push(event);
    }
    writes.push(missingEvents.remove(head.num, event.eventId));
    // Outliers are missing in the timeline: the history goes on before them.
    const rows = await store.load(known.values());
    const isPlaced = (id: string) => {
      const row = rows.get(known.get(id) ?? -1);
      return row !== undefined && row.standing !== STANDING.outlier;
    };
    const missing = prevIds.filter((id) => !numOf.has(id) && !isPlaced(id));
    writes.push(...missingEvents.insert(head.num, missing, event.num));
  }

  /** Returns the state after an event that gets the given number. */
  stateAfter(head: Head, incoming: IncomingEvent, before: BuiltState, num: number): Promise<BuiltState> {
    const fields = { seq: null, standing: STANDING.accepted, snapshot: 0, graphSnapshot: null, after: null };
    const event = remoteEvent(this.#parts.stores.names, head.version, incoming, {
      ...fields,
      num,
      room: head.num,
      replaces: null,
    });
    return this.#parts.graphStates.withEvent(before, event);
  }

  /** Returns whether the state after an event is stored, because its row was stored as a part of a state before. */
  async #hasSnapshot({ num, outlier }: OlderNumbers): Promise<boolean> {
    return outlier?.num === num && (await this.#parts.stores.states.snapshots([num])).has(num);
  }

  /** Gives numbers to events, which are in the order of the graph. */
  async numbered(head: Head, events: readonly IncomingEvent[]): Promise<OlderNumbers[]> {
    const { names, events: store, numbers } = this.#parts.stores;
    await names.reserveAll(new Set(events.flatMap((one) => namesIn(one))));
    const outliers = await store.byIds(events.map(({ eventId }) => eventId));
    const inState = await this.#inCurrentState(head, [...outliers.values()]);
    const taken = numbers.take(2 * events.length);
    return events.map(({ eventId }, i) => {
      const outlier = outliers.get(eventId);
      const isInState = outlier !== undefined && inState.has(outlier.num);
      return { num: isInState ? outlier.num : (taken[2 * i + 1] ?? 0), snapshot: taken[2 * i] ?? 0, outlier };
    });
  }

  /** Returns whether {@link numbered} would still treat some events in the same way. */
  async areNumbersValid(head: Head, page: readonly OlderEvent[]): Promise<boolean> {
    const outliers = await this.#parts.stores.events.byIds(page.map(({ incoming }) => incoming.eventId));
    const inState = await this.#inCurrentState(head, [...outliers.values()]);
    return page.every(({ incoming, numbers: { num, outlier } }) => {
      const stored = outliers.get(incoming.eventId);
      const isInState = stored !== undefined && inState.has(stored.num);
      return stored?.num === outlier?.num && isInState === (num === outlier?.num);
    });
  }

  /** Returns the numbers of those events that are in the current state. */
  async #inCurrentState(head: Head, events: readonly StoredEvent[]): Promise<Set<number>> {
    const { states } = this.#parts.stores;
    const keys = events.flatMap(({ typeNum, stateKeyNum }) =>
      stateKeyNum === null ? [] : [{ type: typeNum, stateKey: stateKeyNum }],
    );
    await states.loadKeys([head.root], keys);
    const current = new Set(keys.map(({ type, stateKey }) => lookup(head.root, type, stateKey)));
    return new Set(events.map(({ num }) => num).filter((num) => current.has(num)));
  }
}

function replacedBy(type: number | undefined, stateKey: number | undefined, { root }: BuiltState): number | null {
  if (type === undefined || stateKey === undefined) return null;
  const num = lookup(root, type, stateKey);
  return typeof num === 'number' ? num : null;
}
