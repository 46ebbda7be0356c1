import { endpoint } from '../endpoint.ts';

/** `GET /.well-known/matrix/client`: the URL of the client-server API of this domain. */
export const getWellknown = endpoint({
  operation: 'getWellknown',
  method: 'GET',
  paths: ['/.well-known/matrix/client'],
  access: 'none',
  limit: { none: 'a constant answer, the first that a client asks for' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
