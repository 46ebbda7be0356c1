import type { StateMap } from './state-map.ts';

/** The entries that all states have in common: a map, or a view of stored state that is read only where needed. */
export interface UnconflictedState {
  get(key: string): string | undefined;
  /** Returns all its event ids. Only a resolution that has to compute the auth difference reads them. */
  values(): Iterable<string>;
}

/** Several states, split into the entries that they have in common and, for each state, the other entries. */
export interface SplitStates<Unconflicted extends UnconflictedState = UnconflictedState> {
  readonly unconflicted: Unconflicted;
  readonly conflicted: readonly StateMap[];
}

/**
 * Splits whole states: a key is unconflicted when every state has it with the same event (rooms/v2, "State resolution",
 * definitions). A caller that can compare stored states faster creates the parts itself.
 */
export function splitStates(states: readonly StateMap[]): SplitStates<Map<string, string>> {
  const [first, ...others] = states;
  const unconflicted = new Map<string, string>();
  for (const [key, eventId] of first ?? []) {
    if (others.every((state) => state.get(key) === eventId)) unconflicted.set(key, eventId);
  }
  const conflicted = states.map((state) => {
    const entries = new Map<string, string>();
    for (const [key, eventId] of state) if (!unconflicted.has(key)) entries.set(key, eventId);
    return entries;
  });
  return { unconflicted, conflicted };
}

/** Returns the conflicted state set: the ids of all events that are in conflict. */
export function conflictedSet(split: SplitStates): Set<string> {
  return new Set(split.conflicted.flatMap((state) => [...state.values()]));
}
