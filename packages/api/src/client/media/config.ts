import { authenticated, deprecated } from '../../definitions/media-paths.ts';
import { endpoint } from '../../endpoint.ts';

/** `GET /_matrix/client/v1/media/config`. */
export const getConfigAuthed = endpoint({
  operation: 'getConfigAuthed',
  method: 'GET',
  paths: authenticated('/config'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /_matrix/media/v3/config`: deprecated. */
export const getConfig = endpoint({
  operation: 'getConfig',
  method: 'GET',
  paths: deprecated('/config'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
