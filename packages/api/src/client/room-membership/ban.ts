import { target } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/ban`. */
export const ban = endpoint({
  operation: 'ban',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/ban'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: target,
});
