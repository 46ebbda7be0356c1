import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/upgrade`. */
export const upgradeRoom = endpoint({
  operation: 'upgradeRoom',
  method: 'POST',
  paths: v3('/rooms/{roomId}/upgrade'),
  access: 'user',
  limit: ['room-creation', 'event'],
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: v.object({ new_version: v.string(), additional_creators: v.optional(v.array(v.string())) }),
});
