import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';
import { flag, natural } from '../../query.ts';

/** `GET /rooms/{roomId}/hierarchy`. */
export const getSpaceHierarchy = endpoint({
  operation: 'getSpaceHierarchy',
  method: 'GET',
  paths: v1('/rooms/{roomId}/hierarchy'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    suggested_only: v.optional(flag),
    limit: v.optional(natural),
    max_depth: v.optional(natural),
    from: v.optional(v.string()),
  }),
});
