import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';
import { flag, natural } from '../../query.ts';

/** `GET /sync`. */
export const sync = endpoint({
  operation: 'sync',
  method: 'GET',
  paths: v3('/sync'),
  access: 'guest',
  limit: 'sync',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    filter: v.optional(v.string()),
    since: v.optional(v.string()),
    full_state: v.optional(flag),
    set_presence: v.optional(v.picklist(['offline', 'online', 'unavailable'])),
    timeout: v.optional(natural),
    use_state_after: v.optional(flag),
    'org.matrix.msc4222.use_state_after': v.optional(flag),
  }),
});
