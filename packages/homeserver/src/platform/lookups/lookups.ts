import { nextTurn } from '../concurrency/in-slices.ts';
import { NOT_LOADED, type Source } from './source.ts';

/** The number of passes, that is runs of a computation, after which it yields to the event loop between passes. */
const YIELDING_PASS = 3;

/**
 * The error that ends a pass in which a value is missing. It is created once, because a stack would cost more than the
 * pass.
 */
const MISSING = new Error('a value is missing');

/** The values of one source that a computation has loaded, and the keys whose values are missing. */
class Batch<K, V> {
  readonly #source: Source<K, V>;
  readonly #loaded = new Map<unknown, { readonly value: V }>();
  readonly #missing = new Map<unknown, K>();

  constructor(source: Source<K, V>) {
    this.#source = source;
  }

  loaded(key: K): { readonly value: V } | undefined {
    return this.#loaded.get(this.#idOf(key));
  }

  addMissing(key: K): void {
    this.#missing.set(this.#idOf(key), key);
  }

  get isMissing(): boolean {
    return this.#missing.size > 0;
  }

  async load(): Promise<void> {
    const missing = [...this.#missing];
    this.#missing.clear();
    const loadedOf = await this.#source.load(missing.map(([, key]) => key));
    for (const [id, key] of missing) this.#loaded.set(id, { value: loadedOf(key) });
  }

  #idOf(key: K): unknown {
    return this.#source.idOf === undefined ? key : this.#source.idOf(key);
  }
}

/**
 * The values that a computation looks up. The computation is a synchronous function without side effects. If a value is
 * not in memory, {@link Lookups.get} records its key and ends the pass. The function {@link complete} then loads the
 * missing values and starts the next pass. Loaded values stay until the computation is complete, even if a cache has
 * evicted them.
 */
export class Lookups {
  /** The loaded and missing values by source; absent until a value is missing. */
  #batches: Map<unknown, Batch<unknown, unknown>> | undefined;

  /** Returns a value. Ends the pass if it has to be loaded. */
  get<K, V>(source: Source<K, V>, key: K): V {
    const value = this.#find(source, key);
    if (value === NOT_LOADED) throw MISSING;
    return value;
  }

  /** Returns the values of several keys, in their order. Ends the pass if any has to be loaded. */
  all<K, V>(source: Source<K, V>, keys: Iterable<K>): V[] {
    const values: V[] = [];
    let isMissing = false;
    for (const key of keys) {
      const value = this.#find(source, key);
      if (value === NOT_LOADED) isMissing = true;
      else values.push(value);
    }
    if (isMissing) throw MISSING;
    return values;
  }

  /**
   * Computes a result for each item, in their order. If a value is missing for one item, the other items are still
   * computed, so that the missing values of all items are loaded together.
   */
  each<T, R>(items: Iterable<T>, compute: (item: T) => R): R[] {
    const results: R[] = [];
    let isMissing = false;
    for (const item of items) {
      try {
        results.push(compute(item));
      } catch (error) {
        if (error !== MISSING) throw error;
        isMissing = true;
      }
    }
    if (isMissing) throw MISSING;
    return results;
  }

  /** Computes two results. Their missing values are loaded together. */
  both<A, B>(first: () => A, second: () => B): [A, B] {
    let result: A;
    try {
      result = first();
    } catch (error) {
      if (error !== MISSING) throw error;
      second();
      throw MISSING;
    }
    return [result, second()];
  }

  /** Loads the values that were missing in the last pass. */
  async load(): Promise<void> {
    const wanted = [...(this.#batches?.values() ?? [])].filter(({ isMissing }) => isMissing);
    if (wanted.length === 0) throw new Error('a pass has ended without a missing value');
    await Promise.all(wanted.map((batch) => batch.load()));
  }

  #find<K, V>(source: Source<K, V>, key: K): V | typeof NOT_LOADED {
    const batch = this.#batches === undefined ? undefined : this.#batchOf(source);
    const loaded = batch?.loaded(key);
    if (loaded !== undefined) return loaded.value;
    const value = source.peek(key);
    if (value === NOT_LOADED) (batch ?? this.#addBatch(source)).addMissing(key);
    return value;
  }

  /**
   * Returns the batch of a source. Both have the same types, because only {@link Lookups.#addBatch} adds to the map.
   */
  #batchOf<K, V>(source: Source<K, V>): Batch<K, V> | undefined {
    return this.#batches?.get(source) as Batch<K, V> | undefined;
  }

  #addBatch<K, V>(source: Source<K, V>): Batch<K, V> {
    const batch = new Batch(source);
    this.#batches ??= new Map();
    this.#batches.set(source, batch as unknown as Batch<unknown, unknown>);
    return batch;
  }
}

/** Runs a computation until no value is missing, and returns its result. */
export async function complete<T>(compute: (lookups: Lookups) => T): Promise<T> {
  const lookups = new Lookups();
  for (let pass = 1; ; pass += 1) {
    try {
      return compute(lookups);
    } catch (error) {
      if (error !== MISSING) throw error;
    }
    await lookups.load();
    // A computation with many passes, such as a search for visible events, must not block other requests.
    if (pass >= YIELDING_PASS) await nextTurn();
  }
}
