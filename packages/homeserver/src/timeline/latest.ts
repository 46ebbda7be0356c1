import type { Heads } from '../rooms/heads.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';

/**
 * The last `limit` events of each room at a position, oldest first: from the heads that remember them, which are brought into
 * memory, for all other rooms with one query.
 */
export async function latestEvents(
  deps: { readonly heads: Heads; readonly timelines: TimelineStore },
  rooms: readonly number[],
  position: number,
  limit: number,
): Promise<ReadonlyMap<number, readonly number[]>> {
  await deps.heads.ensure(rooms);
  const timelines = new Map<number, readonly number[]>();
  const others: number[] = [];
  for (const room of rooms) {
    const remembered = deps.heads.cached(room)?.latest(limit, position);
    if (remembered === undefined) others.push(room);
    else timelines.set(room, remembered);
  }
  if (others.length === 0) return timelines;
  for (const [room, nums] of await deps.timelines.latestAt(others, position, limit)) timelines.set(room, nums);
  return timelines;
}
