import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';

/** The types of state events that invited and knocking users get (client-server API, "Stripped state"). */
const SHOWN_TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.avatar',
  'm.room.topic',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const;

/** Returns the state events of a room that users outside of it may see, the create event included (MSC4311). */
export function shownState(head: Head): Promise<StoredEvent[]> {
  return head.states(SHOWN_TYPES.map((type) => [type, ''] as const));
}
