import { target } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/kick`. */
export const kick = endpoint({
  operation: 'kick',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/kick'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: target,
});
