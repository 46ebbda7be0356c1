import { endpoint } from '../endpoint.ts';

/** `GET /.well-known/matrix/client`: where the client API of this domain is. */
export const getWellknown = endpoint({
  operation: 'getWellknown',
  method: 'GET',
  paths: ['/.well-known/matrix/client'],
  access: 'none',
});
