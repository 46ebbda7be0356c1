import * as v from 'valibot';
import { authenticated, deprecated } from '../../definitions/media-paths.ts';
import { endpoint } from '../../endpoint.ts';
import { flag, natural } from '../../query.ts';

const query = v.object({ timeout_ms: v.optional(natural) });

const oldQuery = v.object({
  ...query.entries,
  allow_remote: v.optional(flag),
  // Whether the answer may be a redirect. This server never redirects.
  allow_redirect: v.optional(flag),
});

const path = '/download/{serverName}/{mediaId}';

/** `GET /_matrix/client/v1/media/download/{serverName}/{mediaId}`. */
export const getContentAuthed = endpoint({
  operation: 'getContentAuthed',
  method: 'GET',
  paths: authenticated(path),
  access: 'guest',
  limit: 'download',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query,
});

/** The endpoint {@link getContentAuthed} with a file name that the caller chooses. */
export const getContentOverrideNameAuthed = endpoint({
  operation: 'getContentOverrideNameAuthed',
  method: 'GET',
  paths: authenticated(`${path}/{fileName}`),
  access: 'guest',
  limit: 'download',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query,
});

/** `GET /_matrix/media/v3/download/{serverName}/{mediaId}`: deprecated, needs no token. */
export const getContent = endpoint({
  operation: 'getContent',
  method: 'GET',
  paths: deprecated(path),
  access: 'none',
  limit: 'download',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: oldQuery,
});

/** The endpoint {@link getContent} with a file name that the caller chooses. */
export const getContentOverrideName = endpoint({
  operation: 'getContentOverrideName',
  method: 'GET',
  paths: deprecated(`${path}/{fileName}`),
  access: 'none',
  limit: 'download',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: oldQuery,
});
