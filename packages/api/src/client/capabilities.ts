import { endpoint, v3 } from '../endpoint.ts';

/** `GET /capabilities`. */
export const getCapabilities = endpoint({
  operation: 'getCapabilities',
  method: 'GET',
  paths: v3('/capabilities'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
