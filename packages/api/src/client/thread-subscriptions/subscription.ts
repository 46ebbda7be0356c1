import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';

/** The path of MSC4306, which is not part of the specification yet. */
const paths = ['/_matrix/client/unstable/io.element.msc4306/rooms/{roomId}/thread/{eventId}/subscription'] as const;

/** `GET …/subscription` (MSC4306): the caller's subscription to a thread. */
export const getThreadSubscription = endpoint({
  operation: 'getThreadSubscription',
  method: 'GET',
  paths,
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT …/subscription` (MSC4306): subscribes the caller to a thread. `automatic` names the event that caused it. */
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

/** `DELETE …/subscription` (MSC4306): unsubscribes the caller from a thread. */
export const deleteThreadSubscription = endpoint({
  operation: 'deleteThreadSubscription',
  method: 'DELETE',
  paths,
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
