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

/** `GET /keys/changes`. */
export const getKeysChanges = endpoint({
  operation: 'getKeysChanges',
  method: 'GET',
  paths: v3AndUnstable('/keys/changes'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ from: v.string(), to: v.string() }),
});
