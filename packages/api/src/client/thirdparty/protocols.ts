import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /thirdparty/protocols`. */
export const getProtocols = endpoint({
  operation: 'getProtocols',
  method: 'GET',
  paths: v3('/thirdparty/protocols'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
