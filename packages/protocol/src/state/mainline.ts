import type { AuthEvent } from '../events/event.ts';
import { citedEvent, type EventSource } from './source.ts';

/**
 * Sorts events by the mainline of a power levels event: events that are based on an earlier power levels event come
 * first, and events that are not based on the mainline precede all others (rooms/v2, "Mainline ordering").
 */
export function mainlineOrder(
  toSort: readonly AuthEvent[],
  powerLevels: AuthEvent | undefined,
  events: EventSource,
): AuthEvent[] {
  const positions = mainlineOf(powerLevels, events);
  const placed = toSort.map((event) => ({ event, position: positionOf(event, positions, events) }));
  placed.sort((x, y) => {
    if (x.position !== y.position) return x.position > y.position ? -1 : 1;
    if (x.event.originServerTs !== y.event.originServerTs) return x.event.originServerTs - y.event.originServerTs;
    return x.event.eventId < y.event.eventId ? -1 : 1;
  });
  return placed.map(({ event }) => event);
}

/** Returns the mainline positions of the mainline's own events. */
function mainlineOf(powerLevels: AuthEvent | undefined, events: EventSource): Map<string, number> {
  const positions = new Map<string, number>();
  for (
    let event = powerLevels;
    event !== undefined && !positions.has(event.eventId);
    event = citedLevels(event, events)
  ) {
    positions.set(event.eventId, positions.size);
  }
  return positions;
}

/** Returns an event's mainline position, and stores it for every power levels event on the way. */
function positionOf(start: AuthEvent, positions: Map<string, number>, events: EventSource): number {
  const passed: string[] = [];
  let position = Number.POSITIVE_INFINITY;
  for (let event = citedLevels(start, events); event !== undefined; event = citedLevels(event, events)) {
    const known = positions.get(event.eventId);
    if (known !== undefined) {
      position = known;
      break;
    }
    passed.push(event.eventId);
    // The position is stored at once, so that the walk ends even if the chain has a cycle.
    positions.set(event.eventId, Number.POSITIVE_INFINITY);
  }
  for (const eventId of passed) positions.set(eventId, position);
  return position;
}

function citedLevels(event: AuthEvent, events: EventSource): AuthEvent | undefined {
  return citedEvent(event, events, 'm.room.power_levels', '');
}
