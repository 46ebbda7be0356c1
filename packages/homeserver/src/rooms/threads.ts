import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { relationOf } from './events/relations.ts';

/** "A maximum of 3 hops is recommended" (client-server API, "Threaded read receipts"). */
const HOPS_MAX = 3;

/** Returns the threads of events of one room, as root ids by event number. Events in the main timeline are missing. */
export async function threadsOf(
  store: EventStore,
  events: readonly StoredEvent[],
): Promise<ReadonlyMap<number, string>> {
  const threads = new Map<number, string>();
  /** The relations to follow next: each event with its parent. */
  let open = new Map<number, string>();
  const look = (num: number, event: StoredEvent) => {
    const relation = relationOf(event);
    if (relation?.relType === 'm.thread') threads.set(num, relation.parent);
    else if (relation !== undefined) open.set(num, relation.parent);
  };
  for (const event of events) look(event.num, event);
  for (let hop = 0; hop < HOPS_MAX && open.size > 0; hop++) {
    const before = open;
    open = new Map();
    const nums = await store.numsOf([...new Set(before.values())]);
    const parents = await store.load(nums.values());
    for (const [num, parentId] of before) {
      const parent = parents.get(nums.get(parentId) ?? 0);
      if (parent !== undefined) look(num, parent);
    }
  }
  return threads;
}

/** Returns the id of an event and those of the events that it relates to, directly or through others, whatever the relation. */
export async function relatedIds(store: EventStore, event: StoredEvent): Promise<readonly string[]> {
  const ids = [event.eventId];
  let relation = relationOf(event);
  for (let hop = 0; hop < HOPS_MAX && relation !== undefined; hop += 1) {
    ids.push(relation.parent);
    const parent = await store.byId(relation.parent);
    relation = parent?.room === event.room ? relationOf(parent) : undefined;
  }
  return ids;
}
