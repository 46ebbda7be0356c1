import { type ByteLimit, LruMap } from './lru.ts';
import { Meanwhile } from './meanwhile.ts';

/**
 * Values that are loaded on first use, many with one query, and kept until they are used least recently. Every key has
 * a value, if only an empty one.
 */
export class BatchCache<V extends object> {
  readonly #values: LruMap<number, V>;
  readonly #load: (keys: readonly number[]) => Promise<ReadonlyMap<number, V>>;
  readonly #meanwhile = new Meanwhile();

  /** `load` gives a value for each of the keys. */
  constructor(max: number, limit: ByteLimit<V>, load: (keys: readonly number[]) => Promise<ReadonlyMap<number, V>>) {
    this.#values = new LruMap(max, limit);
    this.#load = load;
  }

  /** The value if it is there already. */
  peek(key: number): V | undefined {
    return this.#values.get(key);
  }

  /** One value; a promise only if it has to be loaded. */
  one(key: number): V | Promise<V> {
    return this.#values.get(key) ?? this.#loadOne(key);
  }

  /** The values of some keys. */
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

  /** Changes a value that is kept. To be called when the change is on disk. */
  update(key: number, change: (value: V) => void): void {
    const value = this.#values.get(key);
    if (value !== undefined) {
      change(value);
      // The value may have grown.
      this.#values.set(key, value);
    }
    this.#meanwhile.changed(key);
  }

  /** Puts in the value of something new. */
  set(key: number, value: V): void {
    this.#values.set(key, value);
  }

  /** Forgets a value, so that it is loaded again. To be called when what has changed is on disk. */
  delete(key: number): void {
    this.#values.delete(key);
    this.#meanwhile.changed(key);
  }

  async #loadOne(key: number): Promise<V> {
    const value = (await this.many([key])).get(key);
    if (value === undefined) throw new Error(`nothing was loaded for ${key}`);
    return value;
  }

  /** Loads what is missing; says which of it has changed meanwhile. */
  #query(missing: readonly number[], found: Map<number, V>): Promise<ReadonlySet<number>> {
    return this.#meanwhile.run(
      () => this.#load(missing),
      (loaded, changed) => {
        for (const [key, value] of loaded) {
          if (changed.has(key)) continue;
          // Somebody else may have loaded it meanwhile: there is one value for all.
          const known = this.#values.get(key);
          if (known === undefined) this.#values.set(key, value);
          found.set(key, known ?? value);
        }
        return changed;
      },
    );
  }
}
