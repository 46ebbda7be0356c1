import { endpoint } from '../../endpoint.ts';

/** `GET /_matrix/key/v2/server`: the signing keys of this server. */
export const getServerKey = endpoint({
  operation: 'getServerKey',
  method: 'GET',
  paths: ['/_matrix/key/v2/server'],
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `GET /_matrix/key/v2/server/{keyId}`: the same, on the path that servers of old versions use. */
export const getServerKeyById = endpoint({
  operation: 'getServerKeyById',
  method: 'GET',
  paths: ['/_matrix/key/v2/server/{keyId}'],
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
