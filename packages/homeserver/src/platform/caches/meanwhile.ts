/** What changes while queries are under way: what a query brings of it may be from before the change or from after it. */
export class Meanwhile {
  readonly #running = new Set<Set<number>>();

  /** Runs a query; `take` gets what it brought, and the keys that have changed since it began. */
  async run<T, R>(query: () => Promise<T>, take: (found: T, changed: ReadonlySet<number>) => R): Promise<R> {
    const changed = new Set<number>();
    this.#running.add(changed);
    try {
      return take(await query(), changed);
    } finally {
      this.#running.delete(changed);
    }
  }

  /** Notes a change, for every query that is under way. */
  changed(key: number): void {
    for (const changed of this.#running) changed.add(key);
  }
}
