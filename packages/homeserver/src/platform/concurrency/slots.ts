/** The error when too many tasks wait. */
export class NoSlot extends Error {}

/** Limits the number of tasks that run at the same time and the number of tasks that wait. */
export class Slots {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { readonly running: number; readonly waiting: number }) {
    this.#runningMax = limits.running;
    this.#waitingMax = limits.waiting;
  }

  /** Runs a task as soon as a slot is free. @throws NoSlot when too many tasks wait */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) throw new NoSlot('too many tasks wait for a slot');
      // A task that ends passes its slot to the next waiting task, so that no new task can take it.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
