import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /rooms/{roomId}/aliases`. */
export const getLocalAliases = endpoint({
  operation: 'getLocalAliases',
  method: 'GET',
  paths: v3('/rooms/{roomId}/aliases'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
