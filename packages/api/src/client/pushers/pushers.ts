import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /pushers`. */
export const getPushers = endpoint({
  operation: 'getPushers',
  method: 'GET',
  paths: v3('/pushers'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
