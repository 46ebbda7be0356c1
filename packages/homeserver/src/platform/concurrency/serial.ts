/** Runs tasks of one key one after the other; tasks of other keys are not held up. */
export class Serial<K> {
  readonly #tails = new Map<K, Promise<void>>();

  /** Runs the task when those of the same key that were given before have ended. */
  async run<T>(key: K, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tails.set(key, promise);
    try {
      await before;
      return await task();
    } finally {
      if (this.#tails.get(key) === promise) this.#tails.delete(key);
      resolve();
    }
  }
}
