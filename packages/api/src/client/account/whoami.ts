import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /account/whoami`. */
export const getTokenOwner = endpoint({
  operation: 'getTokenOwner',
  method: 'GET',
  paths: v3('/account/whoami'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
