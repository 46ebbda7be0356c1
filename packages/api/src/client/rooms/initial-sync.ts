import * as v from 'valibot';
import { via } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/**
 * `GET /rooms/{roomId}/initialSync`: deprecated; also reads a room that the caller has not joined. `via` may name servers that
 * are in the room, as for joins.
 */
export const roomInitialSync = endpoint({
  operation: 'roomInitialSync',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/initialSync'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ ...via.entries, limit: v.optional(natural) }),
});
