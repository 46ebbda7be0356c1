interface RecentChange<T> {
  readonly position: number;
  readonly group: number;
  readonly key: string;
  readonly value: T;
}

/**
 * The latest changes, by group (a room, a user), so that readers who are nearly up to date need no query. A change
 * replaces an earlier one with the same group and key.
 */
export class RecentChanges<T> {
  readonly #max: number;
  /** The position after which all changes are remembered. */
  #floor: number;
  /** All entries in order of position. Replaced entries stay until they are the oldest. */
  #order: RecentChange<T>[] = [];
  readonly #groups = new Map<number, Map<string, RecentChange<T>>>();

  constructor(max: number, floor: number) {
    this.#max = max;
    this.#floor = floor;
  }

  /** Adds a change. Positions must increase. */
  add(group: number, key: string, position: number, value: T): void {
    const entry = { position, group, key, value };
    const keys = this.#groups.get(group) ?? new Map<string, RecentChange<T>>();
    this.#groups.set(group, keys.set(key, entry));
    this.#order.push(entry);
    if (this.#order.length > this.#max) this.#forgetOldest();
  }

  /** Returns the changes of some groups after a position; undefined when they may have been forgotten. */
  since(groups: Iterable<number>, position: number): T[] | undefined {
    if (position < this.#floor) return undefined;
    const last = this.#order.at(-1);
    if (last === undefined || last.position <= position) return [];
    const found: T[] = [];
    for (const group of groups) {
      for (const entry of this.#groups.get(group)?.values() ?? []) {
        if (entry.position > position) found.push(entry.value);
      }
    }
    return found;
  }

  /** Returns whether all changes after a position are remembered. */
  covers(position: number): boolean {
    return position >= this.#floor;
  }

  /** Returns how many changes there are after a position, including replaced ones. */
  countSince(position: number): number {
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#order[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#order.length - low;
  }

  /** Returns whether a group has changed after a position. */
  hasChanged(group: number, position: number): boolean {
    for (const entry of this.#groups.get(group)?.values() ?? []) if (entry.position > position) return true;
    return false;
  }

  /** Returns the groups that have changed after a position; undefined when some may have been forgotten. */
  groupsSince(position: number): ReadonlySet<number> | undefined {
    if (position < this.#floor) return undefined;
    const groups = new Set<number>();
    for (let i = this.#order.length - 1; i >= 0; i--) {
      const entry = this.#order[i];
      if (entry === undefined || entry.position <= position) break;
      groups.add(entry.group);
    }
    return groups;
  }

  /** Removes the oldest quarter at a time, so that the cost for each change is low. */
  #forgetOldest(): void {
    const count = Math.ceil(this.#max / 4);
    for (const entry of this.#order.slice(0, count)) {
      this.#floor = entry.position;
      const keys = this.#groups.get(entry.group);
      if (keys?.get(entry.key) === entry) keys.delete(entry.key);
      if (keys?.size === 0) this.#groups.delete(entry.group);
    }
    this.#order = this.#order.slice(count);
  }
}
