import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { type EventProof, remotePrevIds } from '../../storage/rooms/events/event-proof.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/**
 * Returns the ids of the events that an event follows.
 * @param loaded the events of `proof.prev`, by number
 */
export function prevIdsOf(
  proof: EventProof,
  loaded: ReadonlyMap<number, StoredEvent>,
  version: RoomVersion,
): readonly string[] {
  if (proof.envelope === undefined) return proof.prev.flatMap((num) => loaded.get(num)?.eventId ?? []);
  return remotePrevIds(proof, version);
}
