/**
 * A map that holds at most `max` entries and forgets those that have not been used for long.
 *
 * It keeps two generations and forgets the elder as a whole when the younger is half of `max`: what was among the last
 * `max / 2` keys in use is there. Moving each key to the end of one `Map` when it is used would be exact, and slow:
 * what is deleted stays in the chain of its bucket until the map is rebuilt, so that a key in steady use makes its own
 * chain longer with every use.
 */
export class LruMap<K, V> {
  #young = new Map<K, V>();
  #old = new Map<K, V>();
  readonly #generationMax: number;
  readonly max: number;

  constructor(max: number) {
    this.max = max;
    this.#generationMax = Math.max(1, Math.floor(max / 2));
  }

  /** The value, which now counts as used. */
  get(key: K): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
