import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { authDifference } from './auth-difference.ts';
import { conflictedSubgraph } from './conflicted-subgraph.ts';
import { applyAllowed } from './iterative-auth.ts';
import { mainlineOrder } from './mainline.ts';
import { partialState } from './partial-state.ts';
import { powerOrder } from './power-order.ts';
import type { EventSource } from './source.ts';
import { conflictedSet, type SplitStates } from './split.ts';
import { stateMapKey } from './state-map.ts';

const NOTHING: ReadonlyMap<string, string> = new Map();

/**
 * Resolves states by the algorithm of room versions 2 to 11, or that of version 12 (rooms/v2 and v12, "Algorithm").
 * Returns the entries to add to the unconflicted state.
 */
export function resolveV2(
  version: RoomVersion,
  split: SplitStates,
  events: EventSource,
  knownDifference?: ReadonlySet<string>,
): Map<string, string> {
  const full = fullConflictedSet(version, split, events, knownDifference);
  const state = partialState(version.stateResolution === 'v2.1' ? NOTHING : split.unconflicted);
  const power = powerOrder(full, events, version);
  applyAllowed(state, power, events, version);

  const levels = state.get(stateMapKey('m.room.power_levels', ''));
  const mainline = levels === undefined ? undefined : events(levels);
  applyAllowed(state, mainlineOrder(without(full, power, events), mainline, events), events, version);

  // The unconflicted state takes precedence.
  return new Map([...state.decided].filter(([key]) => split.unconflicted.get(key) === undefined));
}

function fullConflictedSet(
  version: RoomVersion,
  split: SplitStates,
  events: EventSource,
  knownDifference: ReadonlySet<string> | undefined,
): Set<string> {
  const conflicted = conflictedSet(split);
  const full = new Set(conflicted);
  for (const eventId of knownDifference ?? authDifference(split, conflicted, events)) full.add(eventId);
  if (version.stateResolution === 'v2.1') {
    for (const eventId of conflictedSubgraph(conflicted, events)) full.add(eventId);
  }
  return full;
}

function without(full: ReadonlySet<string>, taken: readonly AuthEvent[], events: EventSource): AuthEvent[] {
  const left = new Set(full);
  for (const event of taken) left.delete(event.eventId);
  return [...left].map((eventId) => events(eventId)).filter((event) => event !== undefined);
}
