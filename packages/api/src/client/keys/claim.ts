import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

/** `POST /keys/claim`. */
export const claimKeys = endpoint({
  operation: 'claimKeys',
  method: 'POST',
  paths: v3AndUnstable('/keys/claim'),
  access: 'guest',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ timeout: v.optional(v.number()), one_time_keys: jsonObject }),
});
