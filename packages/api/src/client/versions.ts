import { endpoint } from '../endpoint.ts';

/** `GET /versions`: the versions of the specification that the server supports. */
export const getVersions = endpoint({
  operation: 'getVersions',
  method: 'GET',
  paths: ['/_matrix/client/versions'],
  access: 'none',
  limit: { none: 'a constant answer, the first that a client asks for' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
