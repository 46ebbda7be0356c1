import { endpoint } from '../endpoint.ts';

/** `GET /.well-known/matrix/server`: the host and port of the server-server API of this domain. */
export const getServerWellknown = endpoint({
  operation: 'getServerWellknown',
  method: 'GET',
  paths: ['/.well-known/matrix/server'],
  access: 'none',
  limit: { none: 'a constant answer, the first that another server asks for' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
