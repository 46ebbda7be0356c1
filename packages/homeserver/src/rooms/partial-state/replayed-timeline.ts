import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { emptyState } from '../../storage/state/state-tree.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import type { ExaminedEvent, ExaminedEvents } from './examined-events.ts';

interface Parts {
  readonly states: StateStore;
  readonly events: EventStore;
  readonly resolution: StateResolution;
}

/** The states of a room before and after an event in the timeline, and the state event that it replaces. */
export interface TimelineStates {
  readonly before: NodeRef;
  readonly after: NodeRef;
  readonly replaces: number | null;
}

/** Computes the states of a room in its timeline again, from examined events in the order of the timeline. */
export class ReplayedTimeline {
  readonly #parts: Parts;
  readonly #head: Head;
  readonly #examined: ExaminedEvents;
  readonly #keep: (state: BuiltState) => NodeRef;
  readonly #places = new Map<number, TimelineStates>();
  /** Events that filled gaps when they arrived: they were followed by others already, and changed no state. */
  #fillings: ReadonlySet<number> | undefined;
  #root: NodeRef = emptyState();
  #extremities: number[] = [];
  /** The states after the ends of the branches at the last resolution, and its result. */
  #resolved: { readonly key: string; readonly root: NodeRef } | undefined;

  /** @param keep stores the new nodes of a state and returns its root */
  constructor(parts: Parts, head: Head, examined: ExaminedEvents, keep: (state: BuiltState) => NodeRef) {
    this.#parts = parts;
    this.#head = head;
    this.#examined = examined;
    this.#keep = keep;
  }

  /** The state of the room after the last event. */
  get root(): NodeRef {
    return this.#root;
  }

  /** The numbers of the forward extremities. */
  get extremities(): readonly number[] {
    return this.#extremities;
  }

  /** Returns the states at an event; undefined if it has no place in the timeline. */
  at(num: number): TimelineStates | undefined {
    return this.#places.get(num);
  }

  /** Returns the numbers of the events that events of the timeline follow, directly or through events outside of it. */
  followed(): Set<number> {
    const followed = new Set<number>();
    for (const one of this.#examined.all())
      if (isPlaced(one)) for (const num of this.#followed(one, isPlaced)) followed.add(num);
    return followed;
  }

  /** Continues the timeline with examined events. */
  async add(events: readonly StoredEvent[]): Promise<void> {
    this.#fillings ??= this.#fillingsAmong(this.#examined.all());
    for (const { num } of events) {
      const one = this.#examined.get(num);
      if (one !== undefined && isPlaced(one)) this.#places.set(num, await this.#place(one));
    }
  }

  async #place(one: ExaminedEvent): Promise<TimelineStates> {
    const { event, before, after } = one;
    if (event.isEntry) {
      this.#extremities = [event.num];
      this.#root = after;
      return { before, after, replaces: event.replaces };
    }
    const current = this.#root;
    if (this.#fillings?.has(event.num) !== true) {
      const followed = this.#followed(one, isPlaced);
      this.#extremities = [...this.#extremities.filter((num) => !followed.has(num)), event.num];
      this.#root = await this.#resolution();
    }
    return { before: current, after: this.#root, replaces: await this.#replaced(event, current) };
  }

  /** Returns the state that results from the states after all forward extremities. */
  async #resolution(): Promise<NodeRef> {
    const roots = this.#extremities.flatMap((num) => this.#examined.get(num)?.after ?? []);
    const key = [...new Set(roots.map(({ hash }) => hash))].sort().join();
    if (this.#resolved?.key === key) return this.#resolved.root;
    const states = roots.map((root) => ({ root, created: [] }));
    const root = this.#keep(await this.#parts.resolution.resolve(this.#head.version, states));
    this.#resolved = { key, root };
    return root;
  }

  /**
   * Returns the state event that an event replaces. Numbers that are followed back must not lead in a circle: the whole state
   * may contain the event itself, or a later one, if it was received late.
   */
  async #replaced({ num: own, typeNum, stateKeyNum }: StoredEvent, root: NodeRef): Promise<number | null> {
    if (stateKeyNum === null) return null;
    const { states, events } = this.#parts;
    const [[num] = []] = await states.lookupMany([root], [{ type: typeNum, stateKey: stateKeyNum }]);
    if (num === undefined || num < own) return num ?? null;
    const later = await events.one(num);
    return later?.standing === STANDING.outlier ? num : null;
  }

  #fillingsAmong(all: Iterable<ExaminedEvent>): ReadonlySet<number> {
    const placed = [...all].filter(({ event }) => event.seq !== null);
    const followed = new Set(this.#head.row.extremities);
    for (const one of placed)
      for (const num of this.#followed(one, ({ event }) => event.seq !== null)) followed.add(num);
    return new Set(placed.flatMap(({ event }) => (followed.has(event.num) ? [] : event.num)));
  }

  /** Returns the events that an event follows, directly or through events outside of the timeline. */
  #followed({ prev }: ExaminedEvent, isInTimeline: (one: ExaminedEvent) => boolean): Set<number> {
    const followed = new Set<number>();
    const open = [...prev];
    for (let num = open.pop(); num !== undefined; num = open.pop()) {
      if (followed.has(num)) continue;
      followed.add(num);
      const one = this.#examined.get(num);
      if (one !== undefined && !isInTimeline(one)) open.push(...one.prev);
    }
    return followed;
  }
}

/** Returns whether an event belongs to the timeline with the whole state. */
function isPlaced({ event, standing }: ExaminedEvent): boolean {
  return event.seq !== null && standing === STANDING.accepted;
}
