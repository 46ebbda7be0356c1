import { prevEventIds } from '@hearth/protocol/events/event.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { emptyState } from '../../storage/state/state-tree.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import type { IncomingEvent } from '../receive/incoming.ts';
import type { StateBefore } from '../receive/state-before.ts';

interface HistoryStatesParts {
  readonly events: EventStore;
  readonly graphStates: GraphStates;
  readonly stateBefore: StateBefore;
  readonly partialStates: PartialStates;
}

/** Events that are missing in a timeline, and the event that follows them. */
export interface HistoryGap {
  readonly eventIds: readonly string[];
  /** The number of the event that follows the missing ones. */
  readonly follower: number;
  /** The sequence number of that event. */
  readonly seq: number;
}

/** States by the id of the event before or after which they are. */
export type StatesOfEvents = ReadonlyMap<string, BuiltState>;

/** Determines the states before events of history. */
export class HistoryStates {
  readonly #parts: HistoryStatesParts;

  constructor(parts: HistoryStatesParts) {
    this.#parts = parts;
  }

  /**
   * Returns the states before those events of a page that follow from the state before the event after the gap. An event
   * that is not state does not change the state, so that the states before and after it are the same. The state before an
   * event that follows only one other is the state after that one.
   */
  async implied(head: Head, gap: HistoryGap, page: readonly IncomingEvent[]): Promise<StatesOfEvents> {
    const implied = new Map<string, BuiltState>();
    const root = await this.#stateAfter(head, gap);
    if (root === undefined) return implied;
    const byId = new Map(page.map((event) => [event.eventId, event]));
    let [eventId] = gap.eventIds;
    while (eventId !== undefined && !implied.has(eventId)) {
      const event = byId.get(eventId);
      if (event === undefined || event.pdu.state_key !== undefined) break;
      implied.set(eventId, { root, created: [] });
      const before = prevEventIds(event.pdu, head.version);
      eventId = before.length === 1 ? before[0] : undefined;
    }
    return implied;
  }

  /** Returns the state after the only missing event of a gap; undefined if there are several, or the state is partial. */
  async #stateAfter(head: Head, { eventIds, follower }: HistoryGap) {
    const { events, graphStates, partialStates } = this.#parts;
    if (eventIds.length !== 1 || partialStates.of(head.num) !== undefined) return undefined;
    const event = await events.one(follower);
    const known = (await events.proofs([follower])).get(follower)?.prev;
    return event === undefined || known === undefined || known.length > 0 ? undefined : graphStates.before(event);
  }

  /**
   * Returns the state before an event: an implied one, the state after the events of the page that it follows, or the one
   * that another server answers.
   * @throws NotReceived, FederationError
   */
  async before(
    head: Head,
    server: string,
    { eventId, pdu }: IncomingEvent,
    known: { readonly implied: StatesOfEvents; readonly after: StatesOfEvents },
  ): Promise<BuiltState> {
    const implied = known.implied.get(eventId);
    if (implied !== undefined) return implied;
    const prevIds = prevEventIds(pdu, head.version);
    if (prevIds.length === 0) return { root: emptyState(), created: [] };
    const states = prevIds.map((id) => known.after.get(id));
    const [first] = states;
    if (first !== undefined && states.every((state) => state?.root.hash === first.root.hash)) return first;
    return this.#parts.stateBefore.fetch(head, eventId, server);
  }
}
