import * as v from 'valibot';
import { authenticated, deprecated } from '../../definitions/media-paths.ts';
import { thumbnailQuery } from '../../definitions/thumbnail-query.ts';
import { endpoint } from '../../endpoint.ts';
import { flag } from '../../query.ts';

const path = '/thumbnail/{serverName}/{mediaId}';

/** `GET /_matrix/client/v1/media/thumbnail/{serverName}/{mediaId}`. */
export const getContentThumbnailAuthed = endpoint({
  operation: 'getContentThumbnailAuthed',
  method: 'GET',
  paths: authenticated(path),
  access: 'guest',
  limit: 'download',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: thumbnailQuery,
});

/** `GET /_matrix/media/v3/thumbnail/{serverName}/{mediaId}`: deprecated, needs no token. */
export const getContentThumbnail = endpoint({
  operation: 'getContentThumbnail',
  method: 'GET',
  paths: deprecated(path),
  access: 'none',
  limit: 'download',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ ...thumbnailQuery.entries, allow_remote: v.optional(flag), allow_redirect: v.optional(flag) }),
});
