import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /rooms/{roomId}/context/{eventId}`. */
export const getEventContext = endpoint({
  operation: 'getEventContext',
  method: 'GET',
  paths: v3('/rooms/{roomId}/context/{eventId}'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural), filter: v.optional(v.string()) }),
});
