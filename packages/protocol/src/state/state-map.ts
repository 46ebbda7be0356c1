/** A room state: event ids by `stateMapKey`. */
export type StateMap = ReadonlyMap<string, string>;

/** Returns the key of a place in a state map. */
export function stateMapKey(type: string, stateKey: string): string {
  return `${type}\u0000${stateKey}`;
}

/** Returns the type and state key that a state map's key stands for. */
export function splitStateMapKey(key: string): [type: string, stateKey: string] {
  const separator = key.indexOf('\u0000');
  return [key.slice(0, separator), key.slice(separator + 1)];
}
