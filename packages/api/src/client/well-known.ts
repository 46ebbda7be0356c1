import { endpoint } from '../endpoint.ts';

/** `GET /.well-known/matrix/client`: where the client API of this domain is. */
export const getWellknown = endpoint({
  operation: 'getWellknown',
  method: 'GET',
  paths: ['/.well-known/matrix/client'],
  access: 'none',
  limit: { none: 'a constant answer, the first that a client asks for' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
