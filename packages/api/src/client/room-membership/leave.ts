import { withReason } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/leave`. */
export const leaveRoom = endpoint({
  operation: 'leaveRoom',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/leave'),
  access: 'guest',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: withReason,
  bodyOptional: true,
});
