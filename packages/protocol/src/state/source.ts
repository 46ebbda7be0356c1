import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/**
 * A function that finds events by id for state resolution. It must know every event of the states and of their auth
 * chains; callers load them first, in rounds, with `missingEvents`. Unknown auth events are ignored.
 */
export type EventSource = (eventId: string) => AuthEvent | undefined;

/**
 * Returns the ids of those events in the given events and their auth chains that a source does not know. The result is
 * empty when resolution can start.
 */
export function missingEvents(eventIds: Iterable<string>, events: EventSource): string[] {
  const missing: string[] = [];
  walkAuthChain(eventIds, events, (eventId, event) => {
    if (event === undefined) missing.push(eventId);
    return true;
  });
  return missing;
}

/**
 * Visits events and their auth chains, each event once. If `visit` returns false, the auth events of that event are not
 * visited.
 */
export function walkAuthChain(
  eventIds: Iterable<string>,
  events: EventSource,
  visit: (eventId: string, event: AuthEvent | undefined) => boolean,
): void {
  const seen = new Set<string>(eventIds);
  const pending = [...seen];
  for (let eventId = pending.pop(); eventId !== undefined; eventId = pending.pop()) {
    const event = events(eventId);
    if (!visit(eventId, event) || event === undefined) continue;
    for (const authEvent of event.authEvents) {
      if (seen.has(authEvent)) continue;
      seen.add(authEvent);
      pending.push(authEvent);
    }
  }
}

/**
 * Returns the create event of an event's room. From version 12 on the room id implies it; before, the event cites it.
 */
export function createEventOf(event: AuthEvent, events: EventSource, version: RoomVersion): AuthEvent | undefined {
  if (version.authEventsWithoutCreate) return events(`$${event.roomId.slice(1)}`);
  return citedEvent(event, events, 'm.room.create', '');
}

/** Returns the event with a type and state key among an event's `auth_events`, unless it was rejected. */
export function citedEvent(
  event: AuthEvent,
  events: EventSource,
  type: string,
  stateKey: string,
): AuthEvent | undefined {
  for (const eventId of event.authEvents) {
    const cited = events(eventId);
    if (cited?.type === type && cited.stateKey === stateKey && cited.rejected !== true) return cited;
  }
  return undefined;
}
