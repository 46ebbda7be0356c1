import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';
import { list } from '../../query.ts';

/** `GET /make_knock/{roomId}/{userId}`: a template for the event of a knock. */
export const makeKnock = endpoint({
  operation: 'makeKnock',
  method: 'GET',
  paths: federationV1('/make_knock/{roomId}/{userId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ ver: list }),
});
