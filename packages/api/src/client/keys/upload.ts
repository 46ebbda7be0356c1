import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

/** `POST /keys/upload`. */
export const uploadKeys = endpoint({
  operation: 'uploadKeys',
  method: 'POST',
  paths: v3AndUnstable('/keys/upload'),
  access: 'guest',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({
    device_keys: v.optional(jsonObject),
    one_time_keys: v.optional(jsonObject),
    fallback_keys: v.optional(jsonObject),
    'org.matrix.msc2732.fallback_keys': v.optional(jsonObject),
  }),
});
