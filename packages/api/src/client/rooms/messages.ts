import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /rooms/{roomId}/messages`: a page of a room's history. */
export const getRoomEvents = endpoint({
  operation: 'getRoomEvents',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/messages'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    from: v.optional(v.string()),
    to: v.optional(v.string()),
    // Required, but the handler checks it, so that a caller who may not see the room gets 403 first.
    dir: v.optional(v.picklist(['b', 'f'], 'must be b or f')),
    limit: v.optional(natural),
    filter: v.optional(v.string()),
  }),
});
