import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { authDifference } from './auth-difference.ts';
import { conflictedSubgraph } from './conflicted-subgraph.ts';
import { applyAllowed } from './iterative-auth.ts';
import { mainlineOrder } from './mainline.ts';
import { powerOrder } from './power-order.ts';
import type { EventSource } from './source.ts';
import { splitState } from './split.ts';
import { type StateMap, stateMapKey } from './state-map.ts';

/** State resolution of room versions 2 to 11, and with its changes of version 12 (rooms/v2 and v12, "Algorithm"). */
export function resolveV2(
  version: RoomVersion,
  states: readonly StateMap[],
  events: EventSource,
  knownDifference?: ReadonlySet<string>,
): Map<string, string> {
  const split = splitState(states);
  if (split.conflicted.size === 0) return split.unconflicted;
  const isV21 = version.stateResolution === 'v2.1';
  const full = new Set(split.conflicted);
  for (const eventId of knownDifference ?? authDifference(states, split, events)) full.add(eventId);
  if (isV21) for (const eventId of conflictedSubgraph(split.conflicted, events)) full.add(eventId);

  const state = new Map(isV21 ? [] : split.unconflicted);
  const power = powerOrder(full, events, version);
  applyAllowed(state, power, events, version);

  const levels = state.get(stateMapKey('m.room.power_levels', ''));
  const rest = without(full, power, events);
  applyAllowed(state, mainlineOrder(rest, levels === undefined ? undefined : events(levels), events), events, version);

  for (const [key, eventId] of split.unconflicted) state.set(key, eventId);
  return state;
}

function without(full: ReadonlySet<string>, taken: readonly AuthEvent[], events: EventSource): AuthEvent[] {
  const left = new Set(full);
  for (const event of taken) left.delete(event.eventId);
  return [...left].map((eventId) => events(eventId)).filter((event) => event !== undefined);
}
