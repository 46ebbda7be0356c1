import { type EventSource, walkAuthChain } from './source.ts';
import type { SplitStates } from './split.ts';

/**
 * Returns the auth difference: the events in the full auth chain of some state but not of every one (rooms/v2, "State
 * resolution", definitions). Conflicted events are left out, because the full conflicted set contains them anyway.
 *
 * An event of a state counts as part of that state's chain, as it does on existing servers. The auth chains of
 * unconflicted events are part of every state's chain, so only the chains of conflicted events have to be compared.
 */
export function authDifference(split: SplitStates, conflicted: ReadonlySet<string>, events: EventSource): Set<string> {
  const chains = split.conflicted.map((state) => chainOf(state.values(), events));
  const difference = new Set<string>();
  for (const chain of chains) {
    for (const eventId of chain) {
      if (!conflicted.has(eventId) && !chains.every((other) => other.has(eventId))) difference.add(eventId);
    }
  }
  // The walk over the whole state takes long in a large room, and most conflicts do not need it.
  if (difference.size > 0) {
    walkAuthChain(split.unconflicted.values(), events, (eventId) => {
      difference.delete(eventId);
      return difference.size > 0;
    });
  }
  return difference;
}

function chainOf(eventIds: Iterable<string>, events: EventSource): Set<string> {
  const chain = new Set<string>();
  walkAuthChain(eventIds, events, (eventId) => {
    chain.add(eventId);
    return true;
  });
  return chain;
}
