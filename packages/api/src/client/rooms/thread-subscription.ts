import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';

/** Not in the specification yet (MSC4306). */
const paths = ['/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription'] as const;

/** Whether the caller follows a thread. */
export const getThreadSubscription = endpoint({
  operation: 'getThreadSubscription',
  method: 'GET',
  paths,
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** Follows a thread; with `automatic` because of an event in it. */
export const setThreadSubscription = endpoint({
  operation: 'setThreadSubscription',
  method: 'PUT',
  paths,
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ automatic: v.optional(v.pipe(v.string(), v.startsWith('$', 'must be an event id'))) }),
});

/** No longer follows a thread. */
export const deleteThreadSubscription = endpoint({
  operation: 'deleteThreadSubscription',
  method: 'DELETE',
  paths,
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
