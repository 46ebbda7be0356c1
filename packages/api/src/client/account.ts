import * as v from 'valibot';
import { auth } from '../definitions/json.ts';
import { endpoint, v3 } from '../endpoint.ts';

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

/** `POST /account/password`. A repeated request may contain only `auth`. */
export const changePassword = endpoint({
  operation: 'changePassword',
  method: 'POST',
  paths: v3('/account/password'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ auth, new_password: v.optional(v.string()), logout_devices: v.optional(v.boolean()) }),
});

/** `POST /account/deactivate`. */
export const deactivateAccount = endpoint({
  operation: 'deactivateAccount',
  method: 'POST',
  paths: v3('/account/deactivate'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ auth, id_server: v.optional(v.string()), erase: v.optional(v.boolean()) }),
  bodyOptional: true,
});

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
