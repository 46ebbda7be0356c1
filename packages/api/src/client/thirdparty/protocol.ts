import { endpoint, v3AndUnstable } from '../../endpoint.ts';

/** `GET /thirdparty/protocol/{protocol}`. */
export const getProtocolMetadata = endpoint({
  operation: 'getProtocolMetadata',
  method: 'GET',
  paths: v3AndUnstable('/thirdparty/protocol/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
