/** Work that is deduplicated in flight: concurrent requests with the same key share one run. */
export class InFlight<K, V> {
  readonly #running = new Map<K, Promise<V>>();

  /** Starts the work of a key, or returns the result of the run in progress. */
  run(key: K, work: () => Promise<V>): Promise<V> {
    const running = this.#running.get(key) ?? this.#begin(key, work);
    this.#running.set(key, running);
    return running;
  }

  async #begin(key: K, work: () => Promise<V>): Promise<V> {
    try {
      return await work();
    } finally {
      this.#running.delete(key);
    }
  }
}
