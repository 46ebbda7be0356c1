import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/forget`. */
export const forgetRoom = endpoint({
  operation: 'forgetRoom',
  method: 'POST',
  paths: v3('/rooms/{roomId}/forget'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
