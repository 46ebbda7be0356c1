import type { StoredEvent } from './stored-event.ts';

/** Returns the events in the order of `nums`, without those that are missing in `events`. */
export function eventsOf(nums: Iterable<number>, events: { get(num: number): StoredEvent | undefined }): StoredEvent[] {
  const found: StoredEvent[] = [];
  for (const num of nums) {
    const event = events.get(num);
    if (event !== undefined) found.push(event);
  }
  return found;
}
