import type { StateMap } from './state-map.ts';

/** What all states agree on. A map will do; so will a view of stored state that is read only where it is asked for. */
export interface UnconflictedState {
  get(key: string): string | undefined;
  /** All its event ids. Read only by a resolution that cannot tell the auth difference without them. */
  values(): Iterable<string>;
}

/** States apart into what they agree on and, for each state, the entries that not all states have the same. */
export interface SplitStates<Unconflicted extends UnconflictedState = UnconflictedState> {
  readonly unconflicted: Unconflicted;
  readonly conflicted: readonly StateMap[];
}

/**
 * Splits whole states: a key is unconflicted when every state has it with the same event (rooms/v2, "State resolution",
 * definitions). A caller that can compare stored states faster makes the parts itself.
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

/** The conflicted state set: the ids of all events that are in conflict. */
export function conflictedSet(split: SplitStates): Set<string> {
  return new Set(split.conflicted.flatMap((state) => [...state.values()]));
}
