import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';
import { list } from '../../query.ts';

/** `GET /make_join/{roomId}/{userId}`: a template for the event of a join. */
export const makeJoin = endpoint({
  operation: 'makeJoin',
  method: 'GET',
  paths: federationV1('/make_join/{roomId}/{userId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ ver: v.optional(list) }),
});
