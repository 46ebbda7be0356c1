import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /user/{userId}/openid/request_token`. */
export const requestOpenIdToken = endpoint({
  operation: 'requestOpenIdToken',
  method: 'POST',
  paths: v3('/user/{userId}/openid/request_token'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({}),
  bodyOptional: true,
});
