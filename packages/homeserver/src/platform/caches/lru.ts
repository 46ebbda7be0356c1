/** A bound on the memory of a cache. */
export interface ByteLimit<V> {
  /** The maximum size of all values together, in bytes by `bytesOf`. */
  readonly bytesMax: number;
  /** Estimates the memory of a value. */
  readonly bytesOf: (value: V) => number;
}

/**
 * A map with at most `max` entries and, if a limit is given, at most so many bytes. It evicts entries that were not
 * used recently. The map keeps two generations. When the younger one reaches half of the bound, the older one is
 * evicted as a whole. The most recently used keys, up to half of the bound, are therefore present. Moving each used key
 * to the end of one `Map` would be exact but slow. A deleted entry stays in its bucket's chain until the map is
 * rebuilt, so every use of a key would make its chain longer.
 */
export class LruMap<K, V> {
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  readonly #generationMax: number;
  readonly #weights: Weights<K, V> | undefined;
  readonly max: number;

  constructor(max: number, limit?: ByteLimit<V>) {
    this.max = max;
    this.#generationMax = Math.max(1, Math.floor(max / 2));
    this.#weights = limit === undefined ? undefined : new Weights(limit);
  }

  /** Returns the value and marks it as used. */
  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Stores a value. Callers store a value again when its size has changed. */
  set(key: K, value: V): void {
    const isFull = this.#young.size >= this.#generationMax && !this.#young.has(key);
    if (isFull || this.#weights?.isFull === true) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#weights?.clear();
    }
    this.#young.set(key, value);
    this.#weights?.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
    this.#weights?.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#weights?.clear();
  }
}

/** The estimated memory of the values of one generation. */
class Weights<K, V> {
  readonly #limit: ByteLimit<V>;
  readonly #byKey = new Map<K, number>();
  #total = 0;

  constructor(limit: ByteLimit<V>) {
    this.#limit = limit;
  }

  /** Whether the generation has reached half of the bound. */
  get isFull(): boolean {
    return this.#total >= this.#limit.bytesMax / 2;
  }

  set(key: K, value: V): void {
    const bytes = this.#limit.bytesOf(value);
    this.#total += bytes - (this.#byKey.get(key) ?? 0);
    this.#byKey.set(key, bytes);
  }

  delete(key: K): void {
    this.#total -= this.#byKey.get(key) ?? 0;
    this.#byKey.delete(key);
  }

  clear(): void {
    this.#byKey.clear();
    this.#total = 0;
  }
}
