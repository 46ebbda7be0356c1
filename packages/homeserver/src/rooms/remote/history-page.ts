import { prevEventIds } from '@hearth/protocol/events/event.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { HistoryNumbers } from '../../storage/rooms/events/history-numbers.ts';
import type { MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { lookup } from '../../storage/state/state-tree.ts';
import { type EventEffects, noEffects } from '../events/effects.ts';
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
    readonly states: StateStore;
    readonly missingEvents: MissingEvents;
    readonly numbers: HistoryNumbers;
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

/** Stores pages of history in the gaps of timelines. */
export class HistoryPages {
  readonly #parts: HistoryPageParts;

  constructor(parts: HistoryPageParts) {
    this.#parts = parts;
  }

  /**
   * Stores events, oldest first, so that the last of them has the sequence number `lastSeq`. Rejected events get none.
   * All events are stored, or none.
   */
  async store(head: Head, page: readonly OlderEvent[], lastSeq: number): Promise<void> {
    const { names, stream, events: store, states, missingEvents, numbers } = this.#parts.stores;
    const shown = page.filter(({ isRejected }) => !isRejected).length;
    const writes: Write[] = [numbers.write()];
    const effects = noEffects();
    const stored: StoredEvent[] = [];
    const placed: StoredEvent[] = [];
    const numOf = new Map<string, number>();
    const usedNames = new Set<number>([head.num]);
    let seq = lastSeq - shown;
    for (const { incoming, auth, before, isRejected, numbers: given } of page) {
      const { num, snapshot, outlier } = given;
      const isInState = outlier?.num === num;
      if (!isRejected) seq += 1;
      const event = remoteEvent(names, head.version, incoming, {
        num,
        room: head.num,
        seq: isRejected ? null : seq,
        standing: isRejected ? STANDING.rejected : STANDING.accepted,
        snapshot,
        graphSnapshot: null,
        // The state after an event with an older row has no snapshot of its own.
        after: null,
        replaces: replacedBy(names.cachedNum(incoming.pdu.type), names.cachedNum(incoming.pdu.state_key ?? ''), before),
      });
      event.transaction = null;
      numOf.set(incoming.eventId, num);
      writes.push(...states.snapshotWrites(snapshot, head.num, before.root, before.created));
      const prevIds = prevEventIds(incoming.pdu, head.version);
      const known = await store.numsOf(prevIds.filter((id) => !numOf.has(id)));
      const prev = prevIds.flatMap((id) => numOf.get(id) ?? known.get(id) ?? []);
      const proof = proofOf(
        incoming.pdu,
        prev,
        auth.map((one) => one.num),
      );
      if (isInState) {
        writes.push(store.place(event, proof));
        placed.push(event);
      } else {
        if (outlier !== undefined) writes.push(store.markRepeated(outlier));
        writes.push(store.insert(event, proof));
        stored.push(event);
      }
      if (event.isState && !isRejected) {
        const after = await this.#parts.graphStates.withEvent(before, event);
        if (!isInState || !(await this.#hasSnapshot(num)))
          writes.push(...states.snapshotWrites(num, head.num, after.root, after.created));
      }
      writes.push(missingEvents.remove(head.num, incoming.eventId));
      const missing = prevIds.filter((id) => !numOf.has(id) && !known.has(id));
      writes.push(...missingEvents.insert(head.num, missing, num));
      this.#parts.effects.addSticky(event, effects);
      for (const name of [event.typeNum, event.senderNum, event.stateKeyNum]) if (name !== null) usedNames.add(name);
    }
    writes.push(...names.inserts(...usedNames), ...effects.writes);
    try {
      await stream.commit(writes, [], () => {
        store.stored(stored);
        for (const event of placed) store.replace(event);
        this.#parts.effects.committed(head, effects);
      });
    } catch (error) {
      store.forget(stored.map(({ num }) => num));
      throw error;
    }
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

  async #hasSnapshot(num: number): Promise<boolean> {
    return (await this.#parts.stores.states.snapshots([num])).has(num);
  }

  /** Gives numbers to events, which are in the order of the graph. */
  async numbered(head: Head, events: readonly IncomingEvent[]): Promise<OlderNumbers[]> {
    const { names, events: store, numbers } = this.#parts.stores;
    await names.reserveAll(new Set(events.flatMap((one) => namesIn(one))));
    const found = await store.load((await store.numsOf(events.map(({ eventId }) => eventId))).values());
    const outliers = new Map([...found.values()].map((event) => [event.eventId, event]));
    const inState = await this.#inCurrentState(head, [...outliers.values()]);
    const taken = numbers.take(2 * events.length);
    return events.map(({ eventId }, i) => {
      const outlier = outliers.get(eventId);
      const isInState = outlier !== undefined && inState.has(outlier.num);
      return { num: isInState ? outlier.num : (taken[2 * i + 1] ?? 0), snapshot: taken[2 * i] ?? 0, outlier };
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
