import * as v from 'valibot';

/** A page and a filter of the list of published rooms, for clients and for other servers. */
export const publicRoomsBody = v.object({
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  since: v.optional(v.string()),
  filter: v.optional(
    v.object({
      generic_search_term: v.optional(v.string()),
      room_types: v.optional(v.nullable(v.array(v.nullable(v.string())))),
    }),
  ),
  include_all_networks: v.optional(v.boolean()),
  third_party_instance_id: v.optional(v.string()),
});
