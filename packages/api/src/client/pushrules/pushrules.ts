import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /pushrules/`, also without the final slash, because clients leave it out. */
export const getPushRules = endpoint({
  operation: 'getPushRules',
  method: 'GET',
  paths: [...v3('/pushrules/'), ...v3('/pushrules')],
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
