import type { Write } from '../storage/engine/database.ts';
import { MessageIndex } from '../storage/search/message-index.ts';
import { Follower, type FollowerParts } from '../timeline/follower.ts';
import { searchableText } from './searchable.ts';

/** Returns the index of messages and the follower of the stream that updates it. */
export function messageIndexer(parts: FollowerParts): { readonly index: MessageIndex; readonly follower: Follower } {
  const index = new MessageIndex(parts.database);
  const follower = new Follower(parts, 'search', async (events) => {
    const writes: Write[] = [];
    for (const event of events) {
      const text = searchableText(event);
      if (text !== undefined) writes.push(index.put(event, text));
    }
    const redacted = events.flatMap(({ redacts }) => redacts ?? []);
    if (redacted.length === 0) return writes;
    const nums = await parts.events.numsOf(redacted);
    return [...writes, index.remove([...nums.values()])];
  });
  return { index, follower };
}
