import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /logout`: ends this session. */
export const logout = endpoint({
  operation: 'logout',
  method: 'POST',
  paths: v3('/logout'),
  access: 'guest',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
