import * as v from 'valibot';
import { auth } from '../../definitions/json.ts';
import { endpoint, v1 } from '../../endpoint.ts';

/** `POST /login/get_token`: a token with which another client can log in. */
export const generateLoginToken = endpoint({
  operation: 'generateLoginToken',
  method: 'POST',
  paths: v1('/login/get_token'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ auth }),
  bodyOptional: true,
});
