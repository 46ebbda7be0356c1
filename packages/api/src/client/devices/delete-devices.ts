import * as v from 'valibot';
import { auth } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /delete_devices`. A repeated request may contain only `auth`. */
export const deleteDevices = endpoint({
  operation: 'deleteDevices',
  method: 'POST',
  paths: v3('/delete_devices'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ auth, devices: v.optional(v.pipe(v.array(v.string()), v.maxLength(2_000))) }),
});
