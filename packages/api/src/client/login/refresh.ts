import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /refresh`: new tokens for a refresh token. */
export const refresh = endpoint({
  operation: 'refresh',
  method: 'POST',
  paths: v3('/refresh'),
  access: 'none',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({ refresh_token: v.string() }),
});
