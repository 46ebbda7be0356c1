import type { Database, Write } from '../storage/engine/database.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import { MessageIndex } from '../storage/search/message-index.ts';
import type { Follower, NewFollower } from '../timeline/follower.ts';
import { searchableText } from './searchable.ts';

/** Returns the index of messages and the follower of the stream that updates it. */
export function messageIndexer(
  database: Database,
  store: EventStore,
  newFollower: NewFollower,
): { readonly index: MessageIndex; readonly follower: Follower } {
  const index = new MessageIndex(database);
  const follower = newFollower('search', async (events) => {
    const writes: Write[] = [];
    for (const event of events) {
      const text = searchableText(event);
      if (text !== undefined) writes.push(index.put(event, text));
    }
    const redacted = events.flatMap(({ redacts }) => redacts ?? []);
    if (redacted.length === 0) return writes;
    const nums = await store.numsOf(redacted);
    return [...writes, index.remove([...nums.values()])];
  });
  return { index, follower };
}
