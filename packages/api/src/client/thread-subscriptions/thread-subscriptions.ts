import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/**
 * The threads that the caller has subscribed to or unsubscribed from, the latest first (MSC4308, not in the
 * specification yet).
 */
export const getThreadSubscriptions = endpoint({
  operation: 'getThreadSubscriptions',
  method: 'GET',
  paths: ['/_matrix/client/unstable/io.element.msc4308/thread_subscriptions'],
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    dir: v.literal('b', 'must be b'),
    from: v.optional(v.string()),
    to: v.optional(v.string()),
    limit: v.optional(v.pipe(natural, v.minValue(1, 'must be at least 1'))),
  }),
});
