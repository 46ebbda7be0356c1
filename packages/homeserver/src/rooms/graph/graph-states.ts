import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { type NewNode, withEntry } from '../../storage/state/state-tree.ts';
import type { BuiltState } from './state-resolution.ts';

/** The states before and after events according to the event graph, which may differ from the states in the timeline. */
export class GraphStates {
  readonly #states: StateStore;

  constructor(states: StateStore) {
    this.#states = states;
  }

  /** Returns the state before an event; `undefined` for an outlier, whose state is not known. */
  async before(event: StoredEvent): Promise<NodeRef | undefined> {
    if (event.standing === STANDING.outlier) return undefined;
    const num = snapshotBefore(event);
    const root = (await this.#states.snapshots([num])).get(num);
    if (root === undefined) throw new Error(`the state before ${event.eventId} is missing`);
    return root;
  }

  /** Returns the state after an event; `undefined` for an outlier. Rejected events do not change the state. */
  async after(event: StoredEvent): Promise<BuiltState | undefined> {
    const before = await this.before(event);
    if (before === undefined) return undefined;
    if (!event.isState || event.standing === STANDING.rejected) return { root: before, created: [] };
    return this.withEvent({ root: before, created: [] }, event);
  }

  /** Returns a state with a state event added. */
  async withEvent({ root, created }: BuiltState, event: StoredEvent): Promise<BuiltState> {
    if (event.stateKeyNum === null) return { root, created };
    const entry = { type: event.typeNum, stateKey: event.stateKeyNum, event: event.num };
    await this.#states.loadKeys([root], [entry]);
    const more: NewNode[] = [...created];
    return { root: withEntry(root, entry, more), created: more };
  }
}

/** Returns the number of the snapshot with the state before an event according to the event graph. */
export function snapshotBefore({ graphSnapshot, snapshot }: StoredEvent): number {
  return graphSnapshot ?? snapshot;
}
