import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `GET /presence/{userId}/status`. */
export const getPresence = endpoint({
  operation: 'getPresence',
  method: 'GET',
  paths: v3AndLegacy('/presence/{userId}/status'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /presence/{userId}/status`. */
export const setPresence = endpoint({
  operation: 'setPresence',
  method: 'PUT',
  paths: v3AndLegacy('/presence/{userId}/status'),
  access: 'user',
  limit: 'profile',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({
    presence: v.picklist(['online', 'offline', 'unavailable'], 'must be online, offline or unavailable'),
    status_msg: v.optional(v.nullable(v.string())),
  }),
});
