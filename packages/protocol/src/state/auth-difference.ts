import { type EventSource, walkAuthChain } from './source.ts';
import type { SplitState } from './split.ts';
import type { StateMap } from './state-map.ts';

/**
 * The auth difference: the events in the full auth chain of some state but not of every one (rooms/v2, "State
 * resolution", definitions).
 *
 * An event of a state counts as part of that state's chain, as it does on every server in use. What the unconflicted
 * events lead to is in all chains, so that only the chains of conflicted events have to be compared.
 */
export function authDifference(states: readonly StateMap[], split: SplitState, events: EventSource): Set<string> {
  const chains = states.map((state) => chainOf(conflictedOf(state, split), events));
  const difference = new Set<string>();
  for (const chain of chains) {
    for (const eventId of chain) {
      if (!chains.every((other) => other.has(eventId))) difference.add(eventId);
    }
  }
  // Most often only conflicted events are left here, which no unconflicted one cites: the long walk is then for nothing,
  // but whether it is cannot be known without it.
  if (difference.size > 0) {
    walkAuthChain(split.unconflicted.values(), events, (eventId) => {
      difference.delete(eventId);
      return true;
    });
  }
  return difference;
}

function conflictedOf(state: StateMap, split: SplitState): string[] {
  return [...state].filter(([key]) => !split.unconflicted.has(key)).map(([, eventId]) => eventId);
}

function chainOf(eventIds: string[], events: EventSource): Set<string> {
  const chain = new Set<string>();
  walkAuthChain(eventIds, events, (eventId) => {
    chain.add(eventId);
    return true;
  });
  return chain;
}
