import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /voip/turnServer`. */
export const getTurnServer = endpoint({
  operation: 'getTurnServer',
  method: 'GET',
  paths: v3('/voip/turnServer'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
