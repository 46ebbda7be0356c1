import type { NodeRef } from '../../storage/state/state-node.ts';

/** Numbers the states of a timeline that is computed again. */
export class SnapshotNumbers {
  readonly #next: () => number;
  readonly #byHash = new Map<string, number>();
  /** The root of each number that was given. */
  readonly roots = new Map<number, NodeRef>();
  /** The number of the state of the room after the last event. */
  current = 0;

  /** @param next takes a new number */
  constructor(next: () => number) {
    this.#next = next;
  }

  /** Returns a number of a state, a new one if it has none. */
  of(root: NodeRef): number {
    return this.#byHash.get(root.hash) ?? this.#give(this.#next(), root);
  }

  /** Gives the state of the room after an event the number of the event. */
  advance(num: number, root: NodeRef): void {
    this.current = this.#give(num, root);
  }

  #give(num: number, root: NodeRef): number {
    this.roots.set(num, root);
    this.#byHash.set(root.hash, num);
    return num;
  }
}
