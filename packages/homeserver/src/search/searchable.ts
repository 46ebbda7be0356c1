import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

/** The members of events that are searched (client-server API, "Server Side Search"). */
export type SearchKey = 'content.body' | 'content.name' | 'content.topic';

export const SEARCH_KEYS: readonly SearchKey[] = ['content.body', 'content.name', 'content.topic'];

/** The event type and member of each search key. */
const PLACES: Readonly<Record<SearchKey, { readonly type: string; readonly member: string }>> = {
  'content.body': { type: 'm.room.message', member: 'body' },
  'content.name': { type: 'm.room.name', member: 'name' },
  'content.topic': { type: 'm.room.topic', member: 'topic' },
};

/** Returns the searchable text of an event; undefined for a redacted one. */
export function searchableText(event: StoredEvent, keys: readonly SearchKey[] = SEARCH_KEYS): string | undefined {
  if (event.redactedBy !== null) return undefined;
  const key = keys.find((each) => PLACES[each].type === event.type);
  if (key === undefined || event.isState !== (key !== 'content.body')) return undefined;
  const text = event.content[PLACES[key].member];
  return typeof text === 'string' && text !== '' ? text : undefined;
}
