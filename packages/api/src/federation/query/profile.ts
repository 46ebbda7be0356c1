import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /query/profile`: the profile of a user of this server, or one field of it. */
export const queryProfile = endpoint({
  operation: 'queryProfile',
  method: 'GET',
  paths: federationV1('/query/profile'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ user_id: v.string(), field: v.optional(v.string()) }),
});
