import type { Clock, Timer } from '../clock.ts';
import type { Background } from './background.ts';

export interface KeyedTasksParts {
  readonly clock: Clock;
  readonly background: Background;
  /** The name of the task in the log. */
  readonly name: string;
  /** The maximum number of keys whose tasks run at the same time. */
  readonly runningMax: number;
  /** The time after which a task that has thrown an error is run again; absent: when work is added. Milliseconds. */
  readonly errorWaitMs?: number;
}

/**
 * Runs a task for each key that has work: one task at a time for each key, and again when work is added meanwhile. A
 * task can ask to be run again later, for example after a failure; added work does not end that wait.
 */
export class KeyedTasks<K> {
  readonly #parts: KeyedTasksParts;
  /** Returns the time after which the task is run again, in milliseconds; undefined if there is no work. */
  readonly #run: (key: K) => Promise<number | undefined>;
  readonly #waiting = new Set<K>();
  readonly #running = new Set<K>();
  readonly #later = new Map<K, Timer>();
  #isClosed = false;

  constructor(parts: KeyedTasksParts, run: (key: K) => Promise<number | undefined>) {
    this.#parts = parts;
    this.#run = run;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs the tasks of keys to which work was added, except those that wait. */
  wake(keys: Iterable<K>): void {
    for (const key of keys) if (!this.#later.has(key)) this.#waiting.add(key);
    this.#start();
  }

  /** Runs the task of a key now if it waits. */
  endWait(key: K): void {
    const timer = this.#later.get(key);
    if (timer === undefined) return;
    timer.cancel();
    this.#later.delete(key);
    this.wake([key]);
  }

  /** Starts no more tasks. Running tasks check {@link isClosed}. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#later.values()) timer.cancel();
    this.#later.clear();
    this.#waiting.clear();
  }

  #start(): void {
    const { runningMax, background, name } = this.#parts;
    for (const key of this.#waiting) {
      if (this.#isClosed || this.#running.size >= runningMax) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.add(key);
      background.start(name, () => this.#runOnce(key));
    }
  }

  async #runOnce(key: K): Promise<void> {
    let afterMs = this.#parts.errorWaitMs;
    try {
      afterMs = await this.#run(key);
    } finally {
      this.#running.delete(key);
      if (afterMs !== undefined) this.#wait(key, afterMs);
      this.#start();
    }
  }

  #wait(key: K, afterMs: number): void {
    if (this.#isClosed) return;
    this.#waiting.delete(key);
    const timer = this.#parts.clock.after(afterMs, () => {
      this.#later.delete(key);
      this.wake([key]);
    });
    this.#later.set(key, timer);
  }
}
