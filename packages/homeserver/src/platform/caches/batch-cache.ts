import { NOT_LOADED, type Source } from '../lookups/source.ts';
import { ConcurrentChanges } from './concurrent-changes.ts';
import { type ByteLimit, LruMap } from './lru.ts';

/**
 * A cache of values that are loaded on first use, many with one query, with eviction of the least recently used ones.
 * Every key has a value, which may be empty.
 */
export class BatchCache<V extends object> {
  readonly #values: LruMap<number, V>;
  readonly #load: (keys: readonly number[]) => Promise<ReadonlyMap<number, V>>;
  readonly #concurrent = new ConcurrentChanges();

  /** @param load returns a value for each of the keys */
  constructor(max: number, limit: ByteLimit<V>, load: (keys: readonly number[]) => Promise<ReadonlyMap<number, V>>) {
    this.#values = new LruMap(max, limit);
    this.#load = load;
  }

  /** The source of the values, for {@link Lookups}. */
  readonly source: Source<number, V> = {
    peek: (key) => this.peek(key) ?? NOT_LOADED,
    load: async (keys) => {
      const found = await this.many(keys);
      return (key) => loaded(found, key);
    },
  };

  /** Returns the value if it is cached. */
  peek(key: number): V | undefined {
    return this.#values.get(key);
  }

  /** Returns one value. */
  async one(key: number): Promise<V> {
    return this.#values.get(key) ?? loaded(await this.many([key]), key);
  }

  /** Returns the values of some keys. */
  async many(keys: Iterable<number>): Promise<ReadonlyMap<number, V>> {
    const found = new Map<number, V>();
    let missing: number[] = [];
    for (const key of keys) {
      const value = this.#values.get(key);
      if (value === undefined) missing.push(key);
      else found.set(key, value);
    }
    while (missing.length > 0) {
      const changed = await this.#query(missing, found);
      missing = missing.filter((key) => changed.has(key));
    }
    return found;
  }

  /** Changes a cached value. Callers call it after the change has been committed. */
  update(key: number, change: (value: V) => void): void {
    const value = this.#values.get(key);
    if (value !== undefined) {
      change(value);
      // The size of the value may have changed.
      this.#values.set(key, value);
    }
    this.#concurrent.changed(key);
  }

  /** Stores the value of a new key. */
  set(key: number, value: V): void {
    this.#values.set(key, value);
  }

  /** Evicts a value, so that it is loaded again. Callers call it after a change has been committed. */
  delete(key: number): void {
    this.#values.delete(key);
    this.#concurrent.changed(key);
  }

  /** Loads missing values. Returns the keys that were changed concurrently. */
  #query(missing: readonly number[], found: Map<number, V>): Promise<ReadonlySet<number>> {
    return this.#concurrent.run(
      () => this.#load(missing),
      (loaded, changed) => {
        for (const [key, value] of loaded) {
          if (changed.has(key)) continue;
          // A concurrent call may have loaded the value. All callers get the same object.
          const known = this.#values.get(key);
          if (known === undefined) this.#values.set(key, value);
          found.set(key, known ?? value);
        }
        return changed;
      },
    );
  }
}

function loaded<V>(values: ReadonlyMap<number, V>, key: number): V {
  const value = values.get(key);
  if (value === undefined) throw new Error(`nothing was loaded for ${key}`);
  return value;
}
