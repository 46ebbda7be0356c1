import type { EventSource } from './source.ts';

/**
 * Returns the conflicted state subgraph: all events on paths of `auth_events` from one conflicted event to another,
 * endpoints included (rooms/v12, "State resolution", definitions).
 */
export function conflictedSubgraph(conflicted: ReadonlySet<string>, events: EventSource): Set<string> {
  const subgraph = new Set<string>();
  const done = new Set<string>();
  // This is a depth-first search with an explicit stack, because an auth chain may be longer than the call stack. An
  // event is entered before its auth events and left after them; then it is known whether they lead to a conflicted
  // event.
  const stack: { eventId: string; leaving: boolean }[] = [...conflicted].map((eventId) => ({
    eventId,
    leaving: false,
  }));
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    const { eventId, leaving } = step;
    const cited = events(eventId)?.authEvents ?? [];
    if (leaving) {
      if (conflicted.has(eventId) || cited.some((id) => subgraph.has(id))) subgraph.add(eventId);
    } else if (!done.has(eventId)) {
      done.add(eventId);
      stack.push({ eventId, leaving: true });
      for (const id of cited) stack.push({ eventId: id, leaving: false });
    }
  }
  return subgraph;
}
