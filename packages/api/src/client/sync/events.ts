import * as v from 'valibot';
import { via } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';
import { list, natural } from '../../query.ts';

/**
 * `GET /events`: the event stream of the joined rooms. With `room_id` (one or more) it is the stream of those rooms,
 * whether the caller has joined them or not; `via` may name servers that are in them, as for joins. Guests have used the path `/_matrix/client/api/v1` since the first API.
 */
export const getEvents = endpoint({
  operation: 'getEvents',
  method: 'GET',
  paths: v3AndLegacy('/events'),
  access: 'guest',
  limit: 'sync',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    ...via.entries,
    from: v.optional(v.string()),
    timeout: v.optional(natural),
    limit: v.optional(natural),
    room_id: v.optional(list),
  }),
});

/** `GET /events/{eventId}`. */
export const getOneEvent = endpoint({
  operation: 'getOneEvent',
  method: 'GET',
  paths: v3AndLegacy('/events/{eventId}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
