import { threadsOf } from '../rooms/threads.ts';
import type { Database } from '../storage/engine/database.ts';
import { readFollowedThreads } from '../storage/push/thread-subscriptions.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

export interface FollowingDeps {
  readonly database: Database;
  readonly events: EventStore;
}

/** Whether a user follows the threads that events of one room are in, by event number; none for those in no thread. */
export async function threadFollowing(
  { database, events: store }: FollowingDeps,
  whose: { readonly user: number; readonly room: number },
  events: readonly StoredEvent[],
): Promise<ReadonlyMap<number, boolean>> {
  const threads = await threadsOf(store, events);
  if (threads.size === 0) return new Map();
  const roots = await store.numsOf([...new Set(threads.values())]);
  const followed = await readFollowedThreads(database, whose, [...roots.values()]);
  return new Map([...threads].map(([num, rootId]) => [num, followed.has(roots.get(rootId) ?? 0)]));
}
