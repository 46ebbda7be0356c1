import { hash } from 'node:crypto';
import { authorise } from '../auth/authorise.ts';
import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { type PartialState, partialState } from './partial-state.ts';
import type { EventSource } from './source.ts';
import type { SplitStates } from './split.ts';
import { stateMapKey } from './state-map.ts';

/** The types that affect authorisation, in the order in which their conflicts are resolved. */
const AUTH_TYPES = ['m.room.power_levels', 'm.room.join_rules', 'm.room.member'];

/**
 * Resolves states by the algorithm of room version 1 (rooms/v1, "State resolution"). A key is in conflict only when two
 * states have different events for it. Conflicts of one type are resolved on the state settled before that type, so
 * that their order does not matter. Returns the entries to add to the unconflicted state.
 */
export function resolveV1(version: RoomVersion, split: SplitStates, events: EventSource): Map<string, string> {
  const settled = partialState(split.unconflicted);
  const conflicts = settleUndisputed(split, settled, events);
  const resolvePass = (isOfPass: (type: string) => boolean, choose: typeof lastAllowed) => {
    const chosen = new Map<string, string>();
    for (const [key, candidates] of conflicts) {
      const [first] = candidates;
      if (first === undefined || !isOfPass(first.type)) continue;
      chosen.set(key, choose(candidates, settled, events, version));
    }
    for (const [key, eventId] of chosen) settled.set(key, eventId);
  };
  for (const authType of AUTH_TYPES) resolvePass((type) => type === authType, lastAllowed);
  resolvePass((type) => !AUTH_TYPES.includes(type), deepestAllowed);
  return new Map(settled.decided);
}

/** Settles the keys for which only one event is known, and returns the candidates of the other keys. */
function settleUndisputed(split: SplitStates, settled: PartialState, events: EventSource): Map<string, AuthEvent[]> {
  const candidates = new Map<string, Set<string>>();
  for (const state of split.conflicted) {
    for (const [key, eventId] of state) candidates.set(key, (candidates.get(key) ?? new Set()).add(eventId));
  }
  const conflicts = new Map<string, AuthEvent[]>();
  for (const [key, eventIds] of candidates) {
    const [only] = eventIds;
    if (eventIds.size === 1 && only !== undefined) settled.set(key, only);
    else conflicts.set(key, byDepth([...eventIds].map((id) => events(id)).filter((event) => event !== undefined)));
  }
  return conflicts;
}

/** Sorts events by ascending depth, then by descending SHA-1 of the event id. */
function byDepth(events: AuthEvent[]): AuthEvent[] {
  const sha1 = new Map(events.map((event) => [event.eventId, hash('sha1', event.eventId)]));
  return events.sort((x, y) => {
    const depths = (x.depth ?? 0) - (y.depth ?? 0);
    if (depths !== 0) return depths;
    return (sha1.get(x.eventId) ?? '') > (sha1.get(y.eventId) ?? '') ? -1 : 1;
  });
}

/** Returns the last candidate of the longest prefix in which each candidate is allowed after the previous one. */
function lastAllowed(
  candidates: AuthEvent[],
  settled: PartialState,
  events: EventSource,
  version: RoomVersion,
): string {
  const state = partialState(settled);
  let last = '';
  for (const event of candidates) {
    if (last !== '' && !isAllowed(event, state, events, version)) break;
    last = event.eventId;
    state.set(stateMapKey(event.type, event.stateKey ?? ''), last);
  }
  return last;
}

/**
 * Returns the deepest candidate that is allowed. If none is allowed, returns the least deep one, as existing servers
 * do; the specification does not say.
 */
function deepestAllowed(
  candidates: AuthEvent[],
  settled: PartialState,
  events: EventSource,
  version: RoomVersion,
): string {
  const chosen = candidates.findLast((event) => isAllowed(event, settled, events, version)) ?? candidates[0];
  return chosen?.eventId ?? '';
}

function isAllowed(event: AuthEvent, state: PartialState, events: EventSource, version: RoomVersion): boolean {
  const lookup = (type: string, stateKey: string) => {
    const eventId = state.get(stateMapKey(type, stateKey));
    return eventId === undefined ? undefined : events(eventId);
  };
  return authorise(event, lookup, version) === undefined;
}
