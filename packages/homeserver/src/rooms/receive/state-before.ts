import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { emptyState, entries, type NewNode, nodesOf, withEntry, withoutEntry } from '../../storage/state/state-tree.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import { type EventFetcher, objectsIn } from '../remote/event-fetcher.ts';
import type { Outliers } from './outliers.ts';
import { NotReceived } from './receive-error.ts';

interface StateBeforeParts {
  readonly states: StateStore;
  readonly events: EventStore;
  readonly graphStates: GraphStates;
  readonly resolution: StateResolution;
  readonly outliers: Outliers;
  readonly fetcher: EventFetcher;
}

/** The number of state events that are fetched one by one; the whole state is fetched if more are missing. */
const FETCHED_SINGLY_MAX = 50;
const FETCHED_AT_ONCE = 8;

/** Is called with the number of events of a state and its auth chain that are stored, and the number of all of them. */
export type FetchProgress = (stored: number, total: number) => void;

/** Determines the state before events of other servers. */
export class StateBefore {
  readonly #parts: StateBeforeParts;

  constructor(parts: StateBeforeParts) {
    this.#parts = parts;
  }

  /** Returns the state after events that this server has: that of the only event, or the resolution of several. */
  async afterAll(head: Head, prev: readonly StoredEvent[]): Promise<BuiltState> {
    const states: BuiltState[] = [];
    for (const event of prev) {
      const state = await this.#parts.graphStates.after(event);
      if (state !== undefined) states.push(state);
    }
    return this.#parts.resolution.resolve(head.version, states);
  }

  /**
   * Returns the state before an event that follows events which this server does not have: the states after those, as
   * another server answers them, resolved with the states after the events that are known.
   * @param onProgress is called when the size of an answer is known, and when its events are stored
   * @throws NotReceived, FederationError
   */
  async fetched(
    head: Head,
    missing: readonly string[],
    prev: readonly StoredEvent[],
    server: string,
    onProgress?: FetchProgress,
  ): Promise<BuiltState> {
    const { graphStates, resolution } = this.#parts;
    const states: BuiltState[] = [];
    for (const eventId of missing) states.push(await this.#after(head, eventId, server, onProgress));
    for (const event of prev) {
      const state = await graphStates.after(event);
      if (state !== undefined) states.push(state);
    }
    return resolution.resolve(head.version, states);
  }

  /** Returns the state after an event that this server does not have. */
  async #after(
    head: Head,
    eventId: string,
    server: string,
    onProgress: FetchProgress | undefined,
  ): Promise<BuiltState> {
    const { events, graphStates } = this.#parts;
    const before = await this.fetch(head, eventId, server, onProgress);
    if ((await events.byId(eventId)) === undefined) await this.#fetchEvents(head, eventId, [eventId], server);
    const event = await events.byId(eventId);
    if (event === undefined || event.room !== head.num)
      throw new NotReceived(`${server} did not answer the event ${eventId}`, false);
    return event.standing === STANDING.rejected ? before : graphStates.withEvent(before, event);
  }

  /** Returns the state before an event as another server answers it. @throws NotReceived, FederationError */
  async fetch(head: Head, eventId: string, server: string, onProgress?: FetchProgress): Promise<BuiltState> {
    const { fetcher, events } = this.#parts;
    const { stateIds, authIds } = await fetcher.stateIds(server, head.roomId, eventId);
    const wanted = new Set([...stateIds, ...authIds]);
    const known = await events.byIds([...wanted]);
    // Member events that arrived while this server was not in the room lack their auth events.
    const absent = [...wanted].filter((id) => known.get(id)?.isOutside ?? true);
    let nums: ReadonlyMap<string, number> = new Map(Array.from(known, ([id, { num }]) => [id, num]));
    onProgress?.(wanted.size - absent.length, wanted.size);
    if (absent.length > 0) {
      await this.#fetchEvents(head, eventId, absent, server);
      nums = await events.numsOf([...wanted]);
      onProgress?.(nums.size, wanted.size);
    }
    const state = await events.list(stateIds.flatMap((id) => nums.get(id) ?? []));
    const isComplete = state.length === new Set(stateIds).size;
    if (!isComplete) throw new NotReceived(`${server} did not answer the whole state before ${eventId}`, false);
    return this.treeOf(head, state);
  }

  async #fetchEvents(head: Head, eventId: string, absent: readonly string[], server: string): Promise<void> {
    const { fetcher, outliers } = this.#parts;
    if (absent.length > FETCHED_SINGLY_MAX) {
      const { state, authChain } = await fetcher.state(server, head.roomId, eventId);
      await outliers.store(head, objectsIn([...authChain, ...state]));
      return;
    }
    const fetched = [];
    for (let i = 0; i < absent.length; i += FETCHED_AT_ONCE) {
      const some = absent.slice(i, i + FETCHED_AT_ONCE);
      fetched.push(...(await Promise.all(some.map((id) => fetcher.event(server, id)))));
    }
    await outliers.store(head, objectsIn(fetched.filter((value) => value !== undefined)));
  }

  /** Returns a tree of state events that differs from the current one where the states differ. Rejected ones are left out. */
  async treeOf(head: Pick<Head, 'root' | 'roomId'>, state: readonly StoredEvent[]): Promise<BuiltState> {
    const { states } = this.#parts;
    const base = head.root;
    await states.loadAll([base]);
    const created: NewNode[] = [];
    const valid = state.filter((event) => event.roomId === head.roomId && event.standing !== STANDING.rejected);
    const wanted = new Map<string, StoredEvent>();
    for (const event of valid)
      if (event.stateKeyNum !== null) wanted.set(`${event.typeNum}/${event.stateKeyNum}`, event);
    const current = entries(base);
    // A tree that has little in common with the current one is built anew.
    const isNear =
      current.filter(({ type, stateKey }) => wanted.has(`${type}/${stateKey}`)).length * 2 > current.length;
    let root = isNear ? base : emptyState();
    const before = new Map((isNear ? current : []).map((entry) => [`${entry.type}/${entry.stateKey}`, entry]));
    for (const [key, entry] of before) if (!wanted.has(key)) root = withoutEntry(root, entry, created);
    for (const [key, event] of wanted) {
      if (before.get(key)?.event === event.num || event.stateKeyNum === null) continue;
      root = withEntry(root, { type: event.typeNum, stateKey: event.stateKeyNum, event: event.num }, created);
    }
    return { root, created: nodesOf(root, created) };
  }
}
