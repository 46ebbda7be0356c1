/** Runs the tasks of one key one after the other. Tasks of different keys run concurrently. */
export class Serial<K> {
  readonly #tails = new Map<K, Promise<void>>();

  /** Runs a task when the earlier tasks of the same key have ended. */
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
