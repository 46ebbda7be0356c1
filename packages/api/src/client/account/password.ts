import * as v from 'valibot';
import { auth } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

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
