/** The placeholder for a value that is not in memory. */
export const NOT_LOADED = Symbol('not loaded');

/** A source of values, each of which is in memory or can be loaded. */
export interface Source<K, V> {
  /** Returns the value of a key if it is in memory. */
  peek(key: K): V | typeof NOT_LOADED;
  /** Loads the values of several keys together. Returns a function that gives the value of each key. */
  load(keys: readonly K[]): Promise<(key: K) => V>;
  /** Returns an equal number or text for equal keys. Absent if the keys are numbers, texts or shared objects. */
  idOf?(key: K): unknown;
}

/** Returns a source of values that are never in memory, such as a page of a timeline. */
export function queried<K, V>(idOf: (key: K) => unknown, load: Source<K, V>['load']): Source<K, V> {
  return { peek: () => NOT_LOADED, load, idOf };
}

/** Returns a source that loads each value with a separate query, for values of which few are missing at a time. */
export function loadedSingly<K, V>(
  peek: Source<K, V>['peek'],
  load: (key: K) => V | Promise<V>,
  idOf?: (key: K) => unknown,
): Source<K, V> {
  const source: Source<K, V> = {
    peek,
    async load(keys) {
      const values = new Map(await Promise.all(keys.map(async (key) => [key, { value: await load(key) }] as const)));
      return (key) => {
        const found = values.get(key);
        if (found === undefined) throw new Error('a value was requested for an unknown key');
        return found.value;
      };
    },
  };
  return idOf === undefined ? source : { ...source, idOf };
}
