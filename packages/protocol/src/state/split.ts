import type { StateMap } from './state-map.ts';

/** What the states agree on, and the ids of all events they do not agree on. */
export interface SplitState {
  unconflicted: Map<string, string>;
  conflicted: Set<string>;
}

/**
 * Splits states into the unconflicted state map and the conflicted state set: a key is unconflicted when every state
 * has it with the same event (rooms/v2, "State resolution", definitions).
 */
export function splitState(states: readonly StateMap[]): SplitState {
  const unconflicted = new Map<string, string>();
  const conflicted = new Set<string>();
  const [first, ...others] = states;
  for (const [key, eventId] of first ?? []) {
    if (others.every((state) => state.get(key) === eventId)) unconflicted.set(key, eventId);
    else conflicted.add(eventId);
  }
  for (const state of others) {
    for (const [key, eventId] of state) {
      if (!unconflicted.has(key)) conflicted.add(eventId);
    }
  }
  return { unconflicted, conflicted };
}
