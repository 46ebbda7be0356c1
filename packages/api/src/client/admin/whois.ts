import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /admin/whois/{userId}`: a user's devices and where they were last seen. */
export const getWhoIs = endpoint({
  operation: 'getWhoIs',
  method: 'GET',
  paths: v3('/admin/whois/{userId}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
