import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /account/3pid`: the addresses and phone numbers of the account. */
export const getAccount3PIDs = endpoint({
  operation: 'getAccount3PIDs',
  method: 'GET',
  paths: v3('/account/3pid'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
