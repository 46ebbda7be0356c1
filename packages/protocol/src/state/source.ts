import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/**
 * Where resolution finds events, by id. It must hold every event of the states and of their auth chains: load them
 * first, in rounds, with `missingEvents`. An auth event that it does not hold is taken as if nobody had cited it.
 */
export type EventSource = (eventId: string) => AuthEvent | undefined;

/** The ids that a source still lacks of these events and their auth chains. Empty when resolution can start. */
export function missingEvents(eventIds: Iterable<string>, events: EventSource): string[] {
  const missing: string[] = [];
  walkAuthChain(eventIds, events, (eventId, event) => {
    if (event === undefined) missing.push(eventId);
    return true;
  });
  return missing;
}

/**
 * Visits events and their auth chains, each event once. Where `visit` gives false, the walk does not go on to that
 * event's auth events.
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

/** The create event of an event's room: implied by the room id from version 12 on, else cited. */
export function createEventOf(event: AuthEvent, events: EventSource, version: RoomVersion): AuthEvent | undefined {
  if (version.authEventsWithoutCreate) return events(`$${event.roomId.slice(1)}`);
  return citedEvent(event, events, 'm.room.create', '');
}

/** The event among those an event cites that is of a type and state key and was not rejected. */
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
