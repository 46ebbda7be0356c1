import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /make_leave/{roomId}/{userId}`: a template for the event of a leave. */
export const makeLeave = endpoint({
  operation: 'makeLeave',
  method: 'GET',
  paths: federationV1('/make_leave/{roomId}/{userId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
