import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';
import { flag, natural } from '../../query.ts';

/** `GET /initialSync`. */
export const initialSync = endpoint({
  operation: 'initialSync',
  method: 'GET',
  paths: v3AndLegacy('/initialSync'),
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural), archived: v.optional(flag) }),
});
