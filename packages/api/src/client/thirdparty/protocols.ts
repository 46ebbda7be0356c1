import { endpoint, v3AndUnstable } from '../../endpoint.ts';

/** `GET /thirdparty/protocols`. */
export const getProtocols = endpoint({
  operation: 'getProtocols',
  method: 'GET',
  paths: v3AndUnstable('/thirdparty/protocols'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
