import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /rooms/{roomId}/threads`. */
export const getThreadRoots = endpoint({
  operation: 'getThreadRoots',
  method: 'GET',
  paths: v1('/rooms/{roomId}/threads'),
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    include: v.optional(v.picklist(['all', 'participated'])),
    limit: v.optional(natural),
    from: v.optional(v.string()),
  }),
});
