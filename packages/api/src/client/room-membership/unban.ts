import { target } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/unban`. */
export const unban = endpoint({
  operation: 'unban',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/unban'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: target,
});
