import { isObject } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';

/** The maximum length of a list in a filter. It is more than any client sends and keeps matching cheap. */
const LIST_MAX = 2_000;

const strings = v.pipe(v.array(v.string()), v.maxLength(LIST_MAX));
const userIds = v.pipe(v.array(v.pipe(v.string(), v.startsWith('@'))), v.maxLength(LIST_MAX));
const roomIds = v.pipe(v.array(v.pipe(v.string(), v.startsWith('!'))), v.maxLength(LIST_MAX));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/**
 * Returns the schema of an object with these members and any others. The schema of the library would accept an array.
 */
function object<const E extends v.ObjectEntries>(entries: E) {
  type Input = v.InferInput<v.ObjectSchema<E, undefined>>;
  return v.pipe(v.custom<Input>(isObject, 'must be an object'), v.object(entries));
}

const eventEntries = {
  limit: v.optional(count),
  types: v.optional(strings),
  not_types: v.optional(strings),
  senders: v.optional(userIds),
  not_senders: v.optional(userIds),
};

const roomEventEntries = {
  ...eventEntries,
  rooms: v.optional(roomIds),
  not_rooms: v.optional(roomIds),
  contains_url: v.optional(v.boolean()),
  lazy_load_members: v.optional(v.boolean()),
  include_redundant_members: v.optional(v.boolean()),
  unread_thread_notifications: v.optional(v.boolean()),
  related_by_senders: v.optional(userIds),
  related_by_rel_types: v.optional(strings),
  // MSC3874.
  'org.matrix.msc3874.rel_types': v.optional(strings),
  'org.matrix.msc3874.not_rel_types': v.optional(strings),
};

/** `EventFilter` (client-server API, "Filtering"). */
export const eventFilter = object(eventEntries);

/** `RoomEventFilter`, also the `filter` of `/messages`, `/context` and `/search`. */
export const roomEventFilter = object(roomEventEntries);

/** `RoomFilter`. */
export const roomFilter = object({
  rooms: v.optional(roomIds),
  not_rooms: v.optional(roomIds),
  include_leave: v.optional(v.boolean()),
  ephemeral: v.optional(roomEventFilter),
  state: v.optional(roomEventFilter),
  timeline: v.optional(roomEventFilter),
  account_data: v.optional(roomEventFilter),
});

/** `Filter`: the body of `POST /user/{userId}/filter`, and the query parameter of `/sync`. */
export const filter = object({
  event_fields: v.optional(strings),
  event_format: v.optional(v.picklist(['client', 'federation'])),
  presence: v.optional(eventFilter),
  account_data: v.optional(eventFilter),
  room: v.optional(roomFilter),
});
