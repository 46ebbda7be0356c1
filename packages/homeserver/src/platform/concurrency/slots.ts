/** Too many wait already. */
export class NoSlot extends Error {}

/** Lets so many tasks run at a time and so many more wait for their turn. */
export class Slots {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limits: { readonly running: number; readonly waiting: number }) {
    this.#runningMax = limits.running;
    this.#waitingMax = limits.waiting;
  }

  /** Runs a task when there is room for it. @throws NoSlot when too many wait */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) throw new NoSlot('too many are waiting');
      // Whoever ends hands its place on, so that nobody can come between.
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
