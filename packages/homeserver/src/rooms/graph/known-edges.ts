import { authEventIds, type Pdu, prevEventIds } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/** The events to which an event of another server refers, as far as this server has them. */
export interface KnownEdges {
  readonly auth: readonly StoredEvent[];
  /** The events in `prev_events` that have a place in the graph. */
  readonly prev: readonly StoredEvent[];
  /** The ids of the other events in `prev_events`. */
  readonly missing: readonly string[];
}

/** Returns the events to which an event refers. None is fetched from another server. */
export async function knownEdgesOf(events: EventStore, pdu: Pdu, version: RoomVersion): Promise<KnownEdges> {
  const [authIds, prevIds] = [authEventIds(pdu, version), prevEventIds(pdu, version)];
  const nums = await events.numsOf([...authIds, ...prevIds]);
  const auth = await events.list(authIds.flatMap((id) => nums.get(id) ?? []));
  const known = await events.list(prevIds.flatMap((id) => nums.get(id) ?? []));
  const prev = known.filter(({ standing }) => standing !== STANDING.outlier);
  const missing = prevIds.filter((id) => !prev.some(({ eventId }) => eventId === id));
  return { auth, prev, missing };
}
