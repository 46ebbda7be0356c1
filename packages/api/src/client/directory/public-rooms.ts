import * as v from 'valibot';
import { endpoint, v3, v3AndLegacy } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /publicRooms`. */
export const getPublicRooms = endpoint({
  operation: 'getPublicRooms',
  method: 'GET',
  paths: v3AndLegacy('/publicRooms'),
  access: 'optional',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural), since: v.optional(v.string()), server: v.optional(v.string()) }),
});

/** `POST /publicRooms`. */
export const queryPublicRooms = endpoint({
  operation: 'queryPublicRooms',
  method: 'POST',
  paths: v3('/publicRooms'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ server: v.optional(v.string()) }),
  body: v.object({
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
  }),
  bodyOptional: true,
});
