import { endpoint, federationV1 } from '../endpoint.ts';

/** `GET /version`: the name and version of this server's program. */
export const getVersion = endpoint({
  operation: 'getVersion',
  method: 'GET',
  paths: federationV1('/version'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
