import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /rooms/{roomId}/initialSync`: deprecated; also reads a room that the caller has not joined. */
export const roomInitialSync = endpoint({
  operation: 'roomInitialSync',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/initialSync'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural) }),
});
