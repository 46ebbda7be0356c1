import * as v from 'valibot';
import { endpoint, v1, v3, v3AndLegacy } from '../../endpoint.ts';
import { flag, integer, natural } from '../../query.ts';

/** `GET /rooms/{roomId}/event/{eventId}`. */
export const getOneRoomEvent = endpoint({
  operation: 'getOneRoomEvent',
  method: 'GET',
  paths: v3('/rooms/{roomId}/event/{eventId}'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

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

/** `GET /rooms/{roomId}/timestamp_to_event`. */
export const getEventByTimestamp = endpoint({
  operation: 'getEventByTimestamp',
  method: 'GET',
  paths: [...v1('/rooms/{roomId}/timestamp_to_event'), ...v3('/rooms/{roomId}/timestamp_to_event')],
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ ts: integer, dir: v.picklist(['f', 'b'], 'must be f or b') }),
});

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

/** `GET /rooms/{roomId}/initialSync`: deprecated; also reads a room that the caller has not joined. */
export const roomInitialSync = endpoint({
  operation: 'roomInitialSync',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/initialSync'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural) }),
});
