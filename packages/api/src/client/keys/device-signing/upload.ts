import * as v from 'valibot';
import { auth, jsonObject } from '../../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../../endpoint.ts';

/** `POST /keys/device_signing/upload`. */
export const uploadCrossSigningKeys = endpoint({
  operation: 'uploadCrossSigningKeys',
  method: 'POST',
  paths: v3AndUnstable('/keys/device_signing/upload'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({
    auth,
    master_key: v.optional(jsonObject),
    self_signing_key: v.optional(jsonObject),
    user_signing_key: v.optional(jsonObject),
  }),
});
