import type { AuthEvent } from '@hearth/protocol/events/event.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type Standing, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import { prevIdsOf } from '../graph/prev-ids.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';
import { authForm, type Head, toAuthEvent } from '../head.ts';
import type { Rules } from '../receive/rules.ts';

interface Parts {
  readonly events: EventStore;
  readonly graphStates: GraphStates;
  readonly resolution: StateResolution;
  readonly rules: Rules;
}

/** An event that was received while the state of its room was partial, as it is with the whole state. */
export interface ExaminedEvent {
  /** The event as it is stored. */
  readonly event: StoredEvent;
  /** The numbers of the events that it follows, as far as this server has them. */
  readonly prev: readonly number[];
  readonly standing: Standing;
  /** The state before it in the graph. */
  readonly before: NodeRef;
  /** The state after it in the graph. */
  readonly after: NodeRef;
}

interface Edges {
  /** The numbers of the events that an event follows, as far as this server has them. */
  readonly prev: readonly number[];
  /** The ids of all events that it follows. */
  readonly prevIds: readonly string[];
  readonly auth: readonly number[];
}

/** Examines the events of a room again, in the order of their arrival, once the whole state before the first is known. */
export class ExaminedEvents {
  readonly #parts: Parts;
  readonly #head: Head;
  /** The whole states before joins by which this server came into the room, by the numbers of the joins. */
  readonly #whole: ReadonlyMap<number, NodeRef>;
  readonly #keep: (state: BuiltState) => NodeRef;
  readonly #byNum = new Map<number, ExaminedEvent>();
  readonly #byId = new Map<string, ExaminedEvent>();

  /** @param keep stores the new nodes of a state and returns its root */
  constructor(parts: Parts, head: Head, whole: ReadonlyMap<number, NodeRef>, keep: (state: BuiltState) => NodeRef) {
    this.#parts = parts;
    this.#head = head;
    this.#whole = whole;
    this.#keep = keep;
  }

  get(num: number): ExaminedEvent | undefined {
    return this.#byNum.get(num);
  }

  /** Returns all events that were examined, in the order of their arrival. */
  all(): Iterable<ExaminedEvent> {
    return this.#byNum.values();
  }

  /** Examines further events. The events before them in the order of arrival were examined. */
  async add(events: readonly StoredEvent[]): Promise<void> {
    const { events: store } = this.#parts;
    const proofs = await store.proofs(events.map(({ num }) => num));
    const edges = [...proofs.values()];
    const loaded = await store.load(new Set(edges.flatMap(({ prev, auth }) => [...prev, ...auth])));
    const prevIds = new Map(
      Array.from(proofs, ([num, proof]) => [num, prevIdsOf(proof, loaded, this.#head.version)] as const),
    );
    const nums = await store.numsOf([...new Set([...prevIds.values()].flat())]);
    for (const event of events) {
      const proof = proofs.get(event.num);
      if (proof === undefined) throw new Error(`the proof of ${event.eventId} is missing`);
      const ids = prevIds.get(event.num) ?? [];
      // Some of the events that were missing may have arrived later.
      const prev = [...new Set([...proof.prev, ...ids.flatMap((id) => nums.get(id) ?? [])])];
      const one = await this.#examine(event, { prev, prevIds: ids, auth: proof.auth });
      this.#byNum.set(event.num, one);
      this.#byId.set(event.eventId, one);
    }
  }

  async #examine(event: StoredEvent, edges: Edges): Promise<ExaminedEvent> {
    const { prev } = edges;
    const before = await this.#stateBefore(event, edges);
    const isRefused = await this.#isRefused(event, edges, before);
    const standing = standingOf(event, isRefused);
    const after = isRefused ? before : this.#keep(await this.#parts.graphStates.withEvent(built(before), event));
    return { event, prev, standing, before, after };
  }

  async #stateBefore(event: StoredEvent, { prev, prevIds }: Edges): Promise<NodeRef> {
    const whole = this.#whole.get(event.num);
    if (whole !== undefined) return whole;
    const { resolution, graphStates } = this.#parts;
    const states: BuiltState[] = [];
    for (const num of prev) {
      const state = await this.#stateAfter(num);
      if (state !== undefined) states.push(state);
    }
    // An event that follows unknown ones got its state from another server, which has the whole state.
    if (states.length < prevIds.length) {
      const stored = await graphStates.before(event);
      if (stored !== undefined) states.push(built(stored));
    }
    return this.#keep(await resolution.resolve(this.#head.version, states));
  }

  /** Returns the state after an event; undefined if it is not known. */
  async #stateAfter(num: number): Promise<BuiltState | undefined> {
    const examined = this.#byNum.get(num);
    if (examined !== undefined) return built(examined.after);
    const event = await this.#parts.events.one(num);
    return event === undefined ? undefined : this.#parts.graphStates.after(event);
  }

  /** Returns whether the rules reject an event by its auth events or by the state before it. */
  async #isRefused(event: StoredEvent, { prevIds, auth }: Edges, before: NodeRef): Promise<boolean> {
    const { events, rules } = this.#parts;
    const { rejected: _rejected, ...form } = authForm(event, prevIds);
    const forms = (await events.list(auth)).map((one) => this.#authForm(one));
    return (await rules.refusalOf(this.#head, form, { auth: forms, before: built(before) })) !== undefined;
  }

  #authForm(event: StoredEvent): AuthEvent {
    const form = toAuthEvent(event);
    const examined = this.#byId.get(event.eventId);
    if (examined === undefined) return form;
    const { rejected: _rejected, ...rest } = form;
    return examined.standing === STANDING.rejected ? { ...rest, rejected: true } : rest;
  }
}

function standingOf({ standing }: StoredEvent, isRefused: boolean): Standing {
  if (isRefused) return STANDING.rejected;
  return standing === STANDING.rejected ? STANDING.accepted : standing;
}

function built(root: NodeRef): BuiltState {
  return { root, created: [] };
}
