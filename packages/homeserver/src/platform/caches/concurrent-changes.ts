/** Changes that happen while queries run. The result of a query may be from before or after such a change. */
export class ConcurrentChanges {
  readonly #running = new Set<Set<number>>();

  /** Runs a query. `take` gets the result and the keys that were changed since the query began. */
  async run<T, R>(query: () => Promise<T>, take: (found: T, changed: ReadonlySet<number>) => R): Promise<R> {
    const changed = new Set<number>();
    this.#running.add(changed);
    try {
      return take(await query(), changed);
    } finally {
      this.#running.delete(changed);
    }
  }

  /** Records a change for every running query. */
  changed(key: number): void {
    for (const changed of this.#running) changed.add(key);
  }
}
