import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /federation/destinations/{destination}/rooms`: the rooms that are shared with another server. */
export const listDestinationRooms = endpoint({
  operation: 'listDestinationRooms',
  method: 'GET',
  paths: ['/_synapse/admin/v1/federation/destinations/{destination}/rooms'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
  query: v.object({
    from: v.optional(natural, '0'),
    limit: v.optional(natural, '100'),
    dir: v.optional(v.picklist(['f', 'b'], 'must be f or b'), 'f'),
  }),
});
