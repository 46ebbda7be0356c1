import { endpoint } from '../../endpoint.ts';

/** `POST /_matrix/media/v1/create`: reserves a media id; the content is uploaded later. */
export const createContent = endpoint({
  operation: 'createContent',
  method: 'POST',
  paths: ['/_matrix/media/v1/create'],
  access: 'user',
  limit: 'upload',
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
