import { authorise } from '../auth/authorise.ts';
import type { StateLookup } from '../auth/state.ts';
import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import type { PartialState } from './partial-state.ts';
import { citedEvent, createEventOf, type EventSource } from './source.ts';
import { stateMapKey } from './state-map.ts';

/**
 * Applies events to a state, one after the other, if the authorisation rules allow them. A state event that the rules
 * need and the state lacks is taken from the event's own `auth_events` (rooms/v2, "Iterative auth checks"). Changes
 * `state`.
 */
export function applyAllowed(
  state: PartialState,
  ordered: readonly AuthEvent[],
  events: EventSource,
  version: RoomVersion,
): void {
  for (const event of ordered) {
    if (event.stateKey === undefined) continue;
    const lookup: StateLookup = (type, stateKey) => {
      const eventId = state.get(stateMapKey(type, stateKey));
      const found = eventId === undefined ? undefined : events(eventId);
      if (found !== undefined) return found;
      return type === 'm.room.create'
        ? createEventOf(event, events, version)
        : citedEvent(event, events, type, stateKey);
    };
    if (authorise(event, lookup, version) === undefined)
      state.set(stateMapKey(event.type, event.stateKey), event.eventId);
  }
}
