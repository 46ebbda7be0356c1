import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /user_directory/search`. */
export const searchUserDirectory = endpoint({
  operation: 'searchUserDirectory',
  method: 'POST',
  paths: v3('/user_directory/search'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({
    search_term: v.string(),
    limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  }),
});
