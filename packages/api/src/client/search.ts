import * as v from 'valibot';
import { roomEventFilter } from '../definitions/filter.ts';
import { endpoint, v3 } from '../endpoint.ts';

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const eventContext = v.object({
  before_limit: v.optional(count),
  after_limit: v.optional(count),
  include_profile: v.optional(v.boolean()),
});

const groupings = v.object({
  group_by: v.optional(
    v.pipe(v.array(v.object({ key: v.picklist(['room_id', 'sender'], 'must be room_id or sender') })), v.maxLength(2)),
  ),
});

const roomEvents = v.object({
  search_term: v.string(),
  keys: v.optional(v.pipe(v.array(v.picklist(['content.body', 'content.name', 'content.topic'])), v.maxLength(3))),
  filter: v.optional(roomEventFilter),
  order_by: v.optional(v.picklist(['recent', 'rank'])),
  event_context: v.optional(eventContext),
  include_state: v.optional(v.boolean()),
  groupings: v.optional(groupings),
});

/** `POST /search`. */
export const search = endpoint({
  operation: 'search',
  method: 'POST',
  paths: v3('/search'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ next_batch: v.optional(v.string()) }),
  body: v.object({ search_categories: v.object({ room_events: v.optional(roomEvents) }) }),
});
