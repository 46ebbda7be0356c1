import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /media/download/{mediaId}`: a file of this server, as one part of a multipart answer. */
export const getContentForServer = endpoint({
  operation: 'getContentForServer',
  method: 'GET',
  paths: federationV1('/media/download/{mediaId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ timeout_ms: v.optional(natural) }),
});
