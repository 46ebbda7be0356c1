import type { RoomVersion } from '../room-versions/rules.ts';
import { resolveV1 } from './resolve-v1.ts';
import { resolveV2 } from './resolve-v2.ts';
import type { EventSource } from './source.ts';
import { type SplitStates, splitStates } from './split.ts';
import type { StateMap } from './state-map.ts';

export { type EventSource, missingEvents } from './source.ts';
export type { SplitStates, UnconflictedState } from './split.ts';
export { type StateMap, splitStateMapKey, stateMapKey } from './state-map.ts';

/** Values that the caller may know already. */
export interface ResolveOptions {
  /**
   * The auth difference of the states, for instance from an index of chains; otherwise it is computed by walking the
   * chains.
   */
  authDifference?: ReadonlySet<string>;
}

/**
 * Resolves states into one by the algorithm of the room version (rooms/v1, v2 and v12, "State resolution"). The result
 * does not depend on the order of the states.
 *
 * `events` must hold the events of all states and their auth chains (with a known auth difference: only those of
 * conflicted events); in version 12 also the create event.
 */
export function resolve(
  version: RoomVersion,
  states: readonly StateMap[],
  events: EventSource,
  options: ResolveOptions = {},
): Map<string, string> {
  const [only, second] = states;
  if (only === undefined || second === undefined) return new Map(only);
  const split = splitStates(states);
  const resolved = split.unconflicted;
  for (const [key, eventId] of resolveConflicts(version, split, events, options)) resolved.set(key, eventId);
  return resolved;
}

/**
 * Resolves states that are already split. Returns only the entries to add to the unconflicted state. The time depends
 * on the number of conflicts, not on the size of the state, unless the auth difference has to be computed.
 */
export function resolveConflicts(
  version: RoomVersion,
  split: SplitStates,
  events: EventSource,
  options: ResolveOptions = {},
): Map<string, string> {
  if (split.conflicted.every((state) => state.size === 0)) return new Map();
  return version.stateResolution === 'v1'
    ? resolveV1(version, split, events)
    : resolveV2(version, split, events, options.authDifference);
}
