/** Work that is done once for all who ask for it while it is being done. */
export class SharedWork<K, V> {
  readonly #running = new Map<K, Promise<V>>();

  /** Begins the work of a key, or joins in with what is being done already. */
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
