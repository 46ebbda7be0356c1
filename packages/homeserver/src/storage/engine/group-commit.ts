import { Unavailable } from '../../platform/unavailable.ts';
import { Fenced, type Write } from './database.ts';
import { checkWrites } from './storable-text.ts';

/** A transaction whose caller waits for the outcome. */
interface Waiting {
  readonly writes: readonly Write[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Reports the outcome to a caller that was rejected before the outcome was known. */
  reportLate?: (isStored: boolean) => void;
}

/** The outcome of one transaction of a group; `null` if it is on disk. */
export type Outcome = null | { readonly fenced: boolean; readonly message: string };

/** A group that is being committed. */
export interface Group {
  readonly transactions: readonly (readonly Write[])[];
  /** Whether the callers were refused. Transactions that are not stored must not be tried again then. */
  isAbandoned: boolean;
}

/** Commits a group and returns the outcome of each of its transactions, in order. */
export type CommitGroup = (group: Group) => Promise<readonly Outcome[]>;

const NO_OUTCOME: Outcome = { fenced: false, message: 'the committer gave no outcome' };

/** The maximum number of transactions in a group, so that the first one does not wait long for the last one. */
const GROUP_TRANSACTIONS_MAX = 512;

/**
 * Commits transactions in groups. While one group is being committed, the next group collects transactions.
 * Transactions commit, and their promises resolve, in the order of the calls.
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

  /** Commits writes in one transaction. Resolves when they are on disk. @throws Fenced, Unavailable */
  commit(writes: readonly Write[]): Promise<void> {
    if (this.#refusal !== undefined) return Promise.reject(new Unavailable(this.#refusal));
    // A transaction without writes needs no group if no other transaction waits.
    if (writes.length === 0 && !this.#isRunning && this.#gathering.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      // An error of this check rejects the promise.
      checkWrites(writes);
      this.#gathering.push({ writes, resolve, reject });
      this.#schedule();
    });
  }

  /**
   * Rejects all waiting and later transactions with {@link Unavailable} until {@link resume}. Callers of the group that
   * is being committed learn through the promise `outcome` of their error whether it was stored.
   */
  refuse(message: string): void {
    this.#refusal = message;
    for (const { reject } of this.#gathering.splice(0)) reject(new Unavailable(message));
    // The callers of a group that was refused before are waiting for its outcome already.
    if (this.#running === undefined || this.#running.group.isAbandoned) return;
    this.#running.group.isAbandoned = true;
    for (const waiting of this.#running.waiting) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.reportLate = resolve;
      waiting.reject(new Unavailable(message, promise));
    }
  }

  /** Accepts transactions again. */
  resume(): void {
    this.#refusal = undefined;
  }

  /** Resolves when all queued transactions are committed or rejected. */
  drained(): Promise<void> {
    if (!this.#isRunning && this.#gathering.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /**
   * Schedules the commit of the group at the end of this turn of the event loop, so that all requests of the turn share
   * it.
   */
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
      for (const [i, one] of waiting.entries()) settle(one, outcomes[i]);
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

function settle(waiting: Waiting, outcome: Outcome = NO_OUTCOME): void {
  if (outcome === null) for (const { stored } of waiting.writes) stored?.();
  if (waiting.reportLate !== undefined) waiting.reportLate(outcome === null);
  else if (outcome === null) waiting.resolve();
  else if (outcome.fenced) waiting.reject(new Fenced(outcome.message));
  else waiting.reject(new Error(`the transaction failed: ${outcome.message}`));
}
