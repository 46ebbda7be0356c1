import * as v from 'valibot';
import { authenticated, deprecated } from '../../definitions/media-paths.ts';
import { endpoint } from '../../endpoint.ts';
import { integer } from '../../query.ts';

const query = v.object({
  url: v.string(),
  // The preferred time of the preview. The answer may be a preview from another time.
  ts: v.optional(integer),
});

/** `GET /_matrix/client/v1/media/preview_url`. */
export const getUrlPreviewAuthed = endpoint({
  operation: 'getUrlPreviewAuthed',
  method: 'GET',
  paths: authenticated('/preview_url'),
  access: 'user',
  limit: 'preview',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query,
});

/** `GET /_matrix/media/v3/preview_url`: deprecated. */
export const getUrlPreview = endpoint({
  operation: 'getUrlPreview',
  method: 'GET',
  paths: deprecated('/preview_url'),
  access: 'user',
  limit: 'preview',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query,
});
