import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /thirdparty/protocol/{protocol}`. */
export const getProtocolMetadata = endpoint({
  operation: 'getProtocolMetadata',
  method: 'GET',
  paths: v3('/thirdparty/protocol/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
