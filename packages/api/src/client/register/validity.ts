import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';

/** `GET /register/m.login.registration_token/validity`. */
export const registrationTokenValidity = endpoint({
  operation: 'registrationTokenValidity',
  method: 'GET',
  paths: v1('/register/m.login.registration_token/validity'),
  access: 'none',
  limit: 'registration',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ token: v.string() }),
});
