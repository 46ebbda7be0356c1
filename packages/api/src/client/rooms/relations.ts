import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';
import { flag, natural } from '../../query.ts';

const relationsQuery = v.object({
  from: v.optional(v.string()),
  to: v.optional(v.string()),
  limit: v.optional(natural),
  dir: v.optional(v.picklist(['b', 'f'], 'must be b or f')),
  recurse: v.optional(flag),
});

/** `GET /rooms/{roomId}/relations/{eventId}`. */
export const getRelatingEvents = endpoint({
  operation: 'getRelatingEvents',
  method: 'GET',
  paths: v1('/rooms/{roomId}/relations/{eventId}'),
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: relationsQuery,
});

/** `GET /rooms/{roomId}/relations/{eventId}/{relType}`. */
export const getRelatingEventsWithRelType = endpoint({
  operation: 'getRelatingEventsWithRelType',
  method: 'GET',
  paths: v1('/rooms/{roomId}/relations/{eventId}/{relType}'),
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: relationsQuery,
});

/** `GET /rooms/{roomId}/relations/{eventId}/{relType}/{eventType}`. */
export const getRelatingEventsWithRelTypeAndEventType = endpoint({
  operation: 'getRelatingEventsWithRelTypeAndEventType',
  method: 'GET',
  paths: v1('/rooms/{roomId}/relations/{eventId}/{relType}/{eventType}'),
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: relationsQuery,
});
