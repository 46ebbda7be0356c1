import { Unavailable } from '../../platform/unavailable.ts';
import { Fenced, type Write } from './database.ts';
import { checkWrites } from './storable-text.ts';

/** One transaction that waits for its group. */
interface Waiting {
  readonly writes: readonly Write[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Set when the caller has been told that the outcome is not known: takes whether the transaction is stored. */
  late?: (isStored: boolean) => void;
}

/** The outcome of one transaction of a group: `null` when it is on disk. */
export type Outcome = null | { readonly fenced: boolean; readonly message: string };

/** A group on its way to the disk. */
export interface Group {
  readonly transactions: readonly (readonly Write[])[];
  /** The callers have been refused: a transaction that is not stored yet must not be tried again. */
  isAbandoned: boolean;
}

/** Commits a group and returns the outcome of each of its transactions, in order. */
export type CommitGroup = (group: Group) => Promise<readonly Outcome[]>;

/** A group is bounded so that the first of it does not wait for the last. */
const GROUP_TRANSACTIONS_MAX = 512;

/**
 * Group commit: while one group is on its way to the disk the next one gathers. Order is kept: transactions commit
 * and their promises resolve in the order of the calls.
 */
export class GroupCommit {
  #gathering: Waiting[] = [];
  #running: { readonly group: Group; readonly waiting: readonly Waiting[] } | undefined;
  #isRunning = false;
  #scheduled = false;
  #refusal: string | undefined;
  readonly #commitGroup: CommitGroup;
  readonly #idle: (() => void)[] = [];

  constructor(commitGroup: CommitGroup) {
    this.#commitGroup = commitGroup;
  }

  commit(writes: readonly Write[]): Promise<void> {
    if (this.#refusal !== undefined) return Promise.reject(new Unavailable(this.#refusal));
    // Nothing to write and nobody to wait for: keep its place at no cost.
    if (writes.length === 0 && !this.#isRunning && this.#gathering.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      // An error that it throws rejects the promise.
      checkWrites(writes);
      this.#gathering.push({ writes, resolve, reject });
      this.#schedule();
    });
  }

  /**
   * Rejects with {@link Unavailable} everything that waits and everything that comes until {@link resume}. Callers of
   * the group that is being committed learn through `landed` whether their transaction was stored.
   */
  refuse(message: string): void {
    this.#refusal = message;
    for (const { reject } of this.#gathering.splice(0)) reject(new Unavailable(message));
    if (this.#running === undefined) return;
    this.#running.group.isAbandoned = true;
    for (const waiting of this.#running.waiting) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.late = resolve;
      waiting.reject(new Unavailable(message, promise));
    }
  }

  /** Accepts transactions again. */
  resume(): void {
    this.#refusal = undefined;
  }

  /** Resolves when everything that was queued has been committed or refused. */
  drained(): Promise<void> {
    if (!this.#isRunning && this.#gathering.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** At the end of this turn of the event loop, so that all requests of the turn share one group. */
  #schedule(): void {
    if (this.#isRunning || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#gathering.length > 0) {
      const waiting = this.#gathering.splice(0, GROUP_TRANSACTIONS_MAX);
      const group = { transactions: waiting.map(({ writes }) => writes), isAbandoned: false };
      this.#running = { group, waiting };
      const outcomes = await this.#outcomes(group);
      this.#running = undefined;
      for (const [i, one] of waiting.entries()) settle(one, outcomes[i] ?? null);
    }
    this.#isRunning = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #outcomes(group: Group): Promise<readonly Outcome[]> {
    try {
      return await this.#commitGroup(group);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return group.transactions.map(() => ({ fenced: false, message }));
    }
  }
}

function settle(waiting: Waiting, outcome: Outcome): void {
  if (outcome === null) for (const { stored } of waiting.writes) stored?.();
  if (waiting.late !== undefined) waiting.late(outcome === null);
  else if (outcome === null) waiting.resolve();
  else if (outcome.fenced) waiting.reject(new Fenced(outcome.message));
  else waiting.reject(new Error(`the transaction failed: ${outcome.message}`));
}
