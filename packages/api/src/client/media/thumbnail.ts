import * as v from 'valibot';
import { authenticated, deprecated } from '../../definitions/media-paths.ts';
import { endpoint } from '../../endpoint.ts';
import { flag, natural } from '../../query.ts';

const length = v.pipe(natural, v.minValue(1, 'must be at least 1'));

const query = v.object({
  width: length,
  height: length,
  method: v.optional(v.picklist(['crop', 'scale'], 'must be crop or scale')),
  animated: v.optional(flag),
  timeout_ms: v.optional(natural),
});

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
  query,
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
  query: v.object({ ...query.entries, allow_remote: v.optional(flag), allow_redirect: v.optional(flag) }),
});
