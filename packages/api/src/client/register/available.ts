import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /register/available`: whether a user name is free. */
export const checkUsernameAvailability = endpoint({
  operation: 'checkUsernameAvailability',
  method: 'GET',
  paths: v3('/register/available'),
  access: 'none',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ username: v.string() }),
});
