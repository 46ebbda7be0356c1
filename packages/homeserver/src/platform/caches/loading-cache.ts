import { loadedSingly, NOT_LOADED, type Source } from '../lookups/source.ts';
import { type ByteLimit, LruMap } from './lru.ts';

interface CacheEntry<V> {
  value: V | undefined;
  loading: Promise<V> | undefined;
  readonly changes: ((value: V) => void)[];
}

/**
 * A cache of values that are loaded on first use. Concurrent requests share one query, and the least recently used
 * values are evicted.
 */
export class LoadingCache<K, V extends object> {
  readonly #entries: LruMap<K, CacheEntry<V>>;
  readonly #load: (key: K) => Promise<V>;

  constructor(max: number, limit: ByteLimit<V>, load: (key: K) => Promise<V>) {
    const { bytesMax, bytesOf } = limit;
    this.#entries = new LruMap(max, {
      bytesMax,
      bytesOf: ({ value }) => (value === undefined ? 0 : bytesOf(value)),
    });
    this.#load = load;
  }

  /** The source of the values; see `platform/lookups`. */
  readonly source: Source<K, V> = loadedSingly(
    (key) => this.peek(key) ?? NOT_LOADED,
    (key) => this.get(key),
  );

  /** Returns the value; as a promise only if it has to be loaded. */
  get(key: K): V | Promise<V> {
    const known = this.#entries.get(key);
    return known?.value ?? known?.loading ?? this.#start(key, this.#load(key));
  }

  /** Returns the values of some keys. `loadAll` loads all missing values together and returns a value for each. */
  async many(
    keys: Iterable<K>,
    loadAll: (missing: readonly K[]) => Promise<ReadonlyMap<K, V>>,
  ): Promise<ReadonlyMap<K, V>> {
    const found = new Map<K, V>();
    const loading = new Map<K, Promise<V>>();
    const missing = new Set<K>();
    for (const key of keys) {
      const known = this.#entries.get(key);
      if (known?.value !== undefined) found.set(key, known.value);
      else if (known?.loading !== undefined) loading.set(key, known.loading);
      else missing.add(key);
    }
    if (missing.size > 0) {
      const all = loadAll([...missing]);
      for (const key of missing)
        loading.set(
          key,
          this.#start(
            key,
            all.then((values) => loaded(values, key)),
          ),
        );
    }
    await Promise.all(Array.from(loading, async ([key, value]) => found.set(key, await value)));
    return found;
  }

  /** Returns the value if it is cached. */
  peek(key: K): V | undefined {
    return this.#entries.get(key)?.value;
  }

  /**
   * Changes a value that is cached or being loaded. A value that is being loaded may already contain the change, so
   * applying the change twice must have the same result as applying it once.
   */
  update(key: K, change: (value: V) => void): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.value === undefined) {
      entry.changes.push(change);
      return;
    }
    change(entry.value);
    // The size of the value may have changed.
    this.#entries.set(key, entry);
  }

  /** Stores a value from another source, unless the value is cached or being loaded. */
  offer(key: K, value: V): void {
    if (this.#entries.get(key) === undefined) this.#entries.set(key, { value, loading: undefined, changes: [] });
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  #start(key: K, value: Promise<V>): Promise<V> {
    const entry: CacheEntry<V> = { value: undefined, loading: undefined, changes: [] };
    this.#entries.set(key, entry);
    entry.loading = value.then(
      (value) => {
        for (const change of entry.changes.splice(0)) change(value);
        entry.value = value;
        entry.loading = undefined;
        if (this.#entries.get(key) === entry) this.#entries.set(key, entry);
        return value;
      },
      (error: unknown) => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
        throw error;
      },
    );
    return entry.loading;
  }
}

function loaded<K, V>(values: ReadonlyMap<K, V>, key: K): V {
  const value = values.get(key);
  if (value === undefined) throw new Error(`nothing was loaded for ${String(key)}`);
  return value;
}
