import * as v from 'valibot';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

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
