import { powerLevelsOf, powerOf } from '../auth/power.ts';
import type { AuthEvent } from '../events/event.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { Heap } from './heap.ts';
import { citedEvent, createEventOf, type EventSource, walkAuthChain } from './source.ts';

interface Candidate {
  readonly event: AuthEvent;
  readonly power: number;
}

/** Returns whether an event may take away somebody's ability to do something (rooms/v2, "Power events"). */
export function isPowerEvent(event: AuthEvent): boolean {
  if (event.stateKey === undefined) return false;
  if (event.type === 'm.room.power_levels' || event.type === 'm.room.join_rules') return true;
  const { membership } = event.content;
  return (
    event.type === 'm.room.member' &&
    (membership === 'leave' || membership === 'ban') &&
    event.sender !== event.stateKey
  );
}

/**
 * Returns the power events of the full conflicted set and the events of the set that they are based on, in reverse
 * topological power order, the earliest first (rooms/v2, "Reverse topological power ordering" and step 1).
 */
export function powerOrder(full: ReadonlySet<string>, events: EventSource, version: RoomVersion): AuthEvent[] {
  return topologicalOrder(withCitedOfSet(full, events), events, version);
}

function withCitedOfSet(full: ReadonlySet<string>, events: EventSource): Map<string, AuthEvent> {
  const chosen = new Map<string, AuthEvent>();
  const powerEvents = [...full].filter((eventId) => {
    const event = events(eventId);
    return event !== undefined && isPowerEvent(event);
  });
  walkAuthChain(powerEvents, events, (eventId, event) => {
    if (event === undefined || !full.has(eventId)) return false;
    chosen.set(eventId, event);
    return true;
  });
  return chosen;
}

/** Sorts events by Kahn's algorithm. The next event is the least one of those whose cited events are all sorted. */
function topologicalOrder(
  chosen: ReadonlyMap<string, AuthEvent>,
  events: EventSource,
  version: RoomVersion,
): AuthEvent[] {
  const waitingFor = new Map<string, number>();
  const citedBy = new Map<string, AuthEvent[]>();
  const ready = new Heap<Candidate>(isEarlier);
  for (const event of chosen.values()) {
    const cited = new Set(event.authEvents.filter((eventId) => chosen.has(eventId)));
    waitingFor.set(event.eventId, cited.size);
    for (const eventId of cited) {
      const citing = citedBy.get(eventId);
      if (citing === undefined) citedBy.set(eventId, [event]);
      else citing.push(event);
    }
    if (cited.size === 0) ready.push({ event, power: senderPower(event, events, version) });
  }
  const ordered: AuthEvent[] = [];
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    ordered.push(next.event);
    for (const event of citedBy.get(next.event.eventId) ?? []) {
      const left = (waitingFor.get(event.eventId) ?? 0) - 1;
      waitingFor.set(event.eventId, left);
      if (left === 0) ready.push({ event, power: senderPower(event, events, version) });
    }
  }
  return ordered;
}

function isEarlier(x: Candidate, y: Candidate): boolean {
  if (x.power !== y.power) return x.power > y.power;
  if (x.event.originServerTs !== y.event.originServerTs) return x.event.originServerTs < y.event.originServerTs;
  return x.event.eventId < y.event.eventId;
}

/** Returns the power of an event's sender according to the event's `auth_events`. */
function senderPower(event: AuthEvent, events: EventSource, version: RoomVersion): number {
  const create = event.type === 'm.room.create' ? event : createEventOf(event, events, version);
  if (create === undefined) return 0;
  return powerOf(
    event.sender,
    powerLevelsOf((type, key) => citedEvent(event, events, type, key)),
    create,
    version,
  );
}
