import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /logout/all`: ends all sessions of the user. */
export const logoutAll = endpoint({
  operation: 'logout_all',
  method: 'POST',
  paths: v3('/logout/all'),
  access: 'guest',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
