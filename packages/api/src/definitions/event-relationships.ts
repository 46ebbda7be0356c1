import * as v from 'valibot';

/** A maximum; a negative one means that the server decides (MSC2836). */
const maximum = v.pipe(v.number(), v.safeInteger());

/** The body of a request for the events to which an event is related (MSC2836). */
export const eventRelationships = v.object({
  event_id: v.string(),
  room_id: v.nullish(v.string()),
  max_depth: v.nullish(maximum),
  max_breadth: v.nullish(maximum),
  limit: v.nullish(maximum),
  depth_first: v.nullish(v.boolean()),
  recent_first: v.nullish(v.boolean()),
  include_parent: v.nullish(v.boolean()),
  include_children: v.nullish(v.boolean()),
  direction: v.nullish(v.picklist(['up', 'down'], 'must be up or down')),
});
