import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';

const query = v.object({ filename: v.optional(v.string()) });

/** `POST /_matrix/media/v3/upload`. */
export const uploadContent = endpoint({
  operation: 'uploadContent',
  method: 'POST',
  paths: ['/_matrix/media/v3/upload', '/_matrix/media/r0/upload', '/_matrix/media/v1/upload'],
  access: 'user',
  limit: 'upload',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  query,
  bodyBytes: true,
});

/**
 * `PUT /_matrix/media/v3/upload/{serverName}/{mediaId}`: uploads the content for a media id that `POST /create`
 * has reserved.
 */
export const uploadContentToMXC = endpoint({
  operation: 'uploadContentToMXC',
  method: 'PUT',
  paths: ['/_matrix/media/v3/upload/{serverName}/{mediaId}'],
  access: 'user',
  limit: 'upload',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  query,
  bodyBytes: true,
});
