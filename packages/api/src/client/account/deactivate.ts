import * as v from 'valibot';
import { auth } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

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
