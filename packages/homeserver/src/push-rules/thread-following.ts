import { threadsOf } from '../rooms/threads.ts';
import type { Database } from '../storage/engine/database.ts';
import { readFollowedThreads } from '../storage/push/thread-subscriptions.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

/** The threads that users follow (MSC4306). */
export class ThreadFollowing {
  readonly #database: Database;
  readonly #events: EventStore;

  constructor(database: Database, events: EventStore) {
    this.#database = database;
    this.#events = events;
  }

  /** Returns whether a user follows the threads of events of one room, by event number; none for events in no thread. */
  async of(
    whose: { readonly user: number; readonly room: number },
    events: readonly StoredEvent[],
  ): Promise<ReadonlyMap<number, boolean>> {
    const threads = await threadsOf(this.#events, events);
    if (threads.size === 0) return new Map();
    const roots = await this.#events.numsOf([...new Set(threads.values())]);
    const followed = await readFollowedThreads(this.#database, whose, [...roots.values()]);
    return new Map([...threads].map(([num, rootId]) => [num, followed.has(roots.get(rootId) ?? 0)]));
  }
}
