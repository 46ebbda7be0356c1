import { Fenced, type Write } from './database.ts';

/** One transaction that waits for its group. */
interface Waiting {
  readonly writes: readonly Write[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What became of one transaction of a group: `null` when it is on disk. */
export type Outcome = null | { readonly fenced: boolean; readonly message: string };

/** Commits a group and says what became of each of its transactions, in order. */
export type CommitGroup = (transactions: readonly (readonly Write[])[]) => Promise<readonly Outcome[]>;

/** A group is bounded so that the first of it does not wait for the last. */
const GROUP_TRANSACTIONS_MAX = 512;

/**
 * Group commit: while one group is on its way to the disk the next one gathers. Order is kept: transactions commit
 * and their promises resolve in the order of the calls.
 */
export class GroupCommit {
  #gathering: Waiting[] = [];
  #running = false;
  #scheduled = false;
  readonly #commitGroup: CommitGroup;
  readonly #idle: (() => void)[] = [];

  constructor(commitGroup: CommitGroup) {
    this.#commitGroup = commitGroup;
  }

  commit(writes: readonly Write[]): Promise<void> {
    // Nothing to write and nobody to wait for: keep its place at no cost.
    if (writes.length === 0 && !this.#running && this.#gathering.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#gathering.push({ writes, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when everything that was queued has been committed or refused. */
  drained(): Promise<void> {
    if (!this.#running && this.#gathering.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** At the end of this turn of the event loop, so that all requests of the turn share one group. */
  #schedule(): void {
    if (this.#running || this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#gathering.length > 0) {
      const group = this.#gathering.splice(0, GROUP_TRANSACTIONS_MAX);
      const outcomes = await this.#outcomes(group);
      group.forEach((waiting, i) => {
        settle(waiting, outcomes[i] ?? null);
      });
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #outcomes(group: readonly Waiting[]): Promise<readonly Outcome[]> {
    try {
      return await this.#commitGroup(group.map((waiting) => waiting.writes));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return group.map(() => ({ fenced: false, message }));
    }
  }
}

function settle(waiting: Waiting, outcome: Outcome): void {
  if (outcome === null) waiting.resolve();
  else if (outcome.fenced) waiting.reject(new Fenced(outcome.message));
  else waiting.reject(new Error(`the transaction failed: ${outcome.message}`));
}
