import { thumbnailQuery } from '../../definitions/thumbnail-query.ts';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /media/thumbnail/{mediaId}`: a thumbnail of a file of this server, as one part of a multipart answer. */
export const getContentThumbnailForServer = endpoint({
  operation: 'getContentThumbnailForServer',
  method: 'GET',
  paths: federationV1('/media/thumbnail/{mediaId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: thumbnailQuery,
});
