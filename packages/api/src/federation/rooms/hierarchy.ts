import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';
import { flag } from '../../query.ts';

/** `GET /hierarchy/{roomId}`: a space and its children. */
export const getSpaceHierarchyForServer = endpoint({
  operation: 'getSpaceHierarchyForServer',
  method: 'GET',
  paths: federationV1('/hierarchy/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ suggested_only: v.optional(flag) }),
});
