import { FederationError } from '../../federation/client/federation-error.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { lookup, nodesOf, withoutEntry } from '../../storage/state/state-tree.ts';
import { type PduDeps, pdusOf } from '../events/pdu.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import { knownEdgesOf } from '../graph/known-edges.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import type { RemoteAppender } from '../receive/append.ts';
import type { Outliers } from '../receive/outliers.ts';
import type { PlacedEvent } from '../receive/plan.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { StateBefore } from '../receive/state-before.ts';
import type { PeekAnswer } from './peek-client.ts';

interface Parts {
  readonly events: EventStore;
  readonly outliers: Outliers;
  readonly stateBefore: StateBefore;
  readonly graphStates: GraphStates;
  readonly appender: RemoteAppender;
  readonly pdus: PduDeps;
  /** Runs one change of a room's events of other servers at a time. */
  readonly inTurn: Serial<number>;
}

/**
 * Stores the state of a room into which this server peeks. The forward extremities become the first events of its timeline
 * here. The answer states what is valid after them, so they are checked by their auth events only, as the state is.
 */
export class PeekedState {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws NotReceived if the answer is not complete or not valid */
  async store(head: Head, { events, states }: PeekAnswer, server: string): Promise<void> {
    const stored = await this.#parts.outliers.store(head, events);
    const latest = [...states.keys()].map((eventId) => this.#valid(stored.get(eventId), eventId));
    const fresh = latest.filter((event) => event.standing === STANDING.outlier).sort((a, b) => a.depth - b.depth);
    // Without a known event among the latest ones, they replace what this server knew of the room.
    const isNew = !head.extremities.some((event) => latest.some(({ num }) => num === event.num));
    for (const [i, event] of fresh.entries()) {
      const ids = new Set(states.get(event.eventId));
      const state = [...ids].flatMap((eventId) => stored.get(eventId) ?? []);
      if (state.length < ids.size) throw new NotReceived('the answer lacks events of the state', true);
      const placed = await this.#placed(head, event, state, server);
      const isFirst = isNew && i === 0;
      await this.#parts.inTurn.run(head.num, () => this.#parts.appender.append(head, { ...placed, isFirst }));
    }
  }

  #valid(event: StoredEvent | undefined, eventId: string): StoredEvent {
    if (event === undefined || event.standing === STANDING.rejected)
      throw new NotReceived(`the latest event ${eventId} is missing or not valid`, true);
    return event;
  }

  async #placed(head: Head, event: StoredEvent, state: readonly StoredEvent[], server: string): Promise<PlacedEvent> {
    const { events, pdus } = this.#parts;
    const [pdu] = await pdusOf(pdus, head.version, [event]);
    if (pdu === undefined) throw new Error('a stored event is missing');
    const edges = await knownEdgesOf(events, pdu, head.version);
    const before = await this.#before(head, event, state, server);
    const incoming = { pdu, eventId: event.eventId, roomId: head.roomId };
    return { incoming, ...edges, before, isRejected: false, outlier: event };
  }

  /** Returns the state before an event. The state after a state event does not tell what the event has replaced. */
  async #before(head: Head, event: StoredEvent, state: readonly StoredEvent[], server: string): Promise<BuiltState> {
    const { stateBefore, graphStates } = this.#parts;
    const after = await stateBefore.treeOf(head, state);
    const known = withoutEvent(after, event);
    if (event.stateKeyNum === null) return known;
    try {
      const before = await stateBefore.fetch(head, event.eventId, server);
      const isConsistent = (await graphStates.withEvent(before, event)).root.hash === after.root.hash;
      return isConsistent ? before : known;
    } catch (error) {
      if (!(error instanceof FederationError || error instanceof NotReceived)) throw error;
      return known;
    }
  }
}

/** Returns the state before an event, as far as the state after it tells: without the event itself. */
function withoutEvent({ root, created }: BuiltState, { num, typeNum, stateKeyNum }: StoredEvent): BuiltState {
  if (stateKeyNum === null) return { root, created };
  if (lookup(root, typeNum, stateKeyNum) !== num)
    throw new NotReceived('the state after the latest event lacks the event', true);
  const more = [...created];
  const before = withoutEntry(root, { type: typeNum, stateKey: stateKeyNum }, more);
  return { root: before, created: nodesOf(before, more) };
}
