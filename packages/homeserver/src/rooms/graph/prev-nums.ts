import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { remotePrevIds } from '../../storage/rooms/events/event-proof.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';

/**
 * Returns the numbers of the events that some events follow, by the numbers of the latter. The numbers in a proof are those that
 * were known when the event arrived: an event that came later, or was stored anew, is found by its id.
 */
export async function prevNumsOf(
  events: EventStore,
  nums: readonly number[],
  version: RoomVersion,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const proofs = await events.proofs(nums);
  const ids = new Map(Array.from(proofs, ([num, proof]) => [num, remotePrevIds(proof, version)]));
  const byId = await events.numsOf([...new Set([...ids.values()].flat())]);
  return new Map(
    Array.from(proofs, ([num, proof]) => {
      const own = ids.get(num) ?? [];
      return [num, own.length > 0 ? own.flatMap((id) => byId.get(id) ?? []) : proof.prev];
    }),
  );
}
