import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

/** `POST /keys/query`. */
export const queryKeys = endpoint({
  operation: 'queryKeys',
  method: 'POST',
  paths: v3AndUnstable('/keys/query'),
  access: 'guest',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ timeout: v.optional(v.number()), device_keys: jsonObject }),
});
