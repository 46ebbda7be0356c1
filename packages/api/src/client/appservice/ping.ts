import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';

/** `POST /appservice/{appserviceId}/ping`: tests the connection to the application service that asks. */
export const pingAppservice = endpoint({
  operation: 'pingAppservice',
  method: 'POST',
  paths: [
    '/_matrix/client/v1/appservice/{appserviceId}/ping',
    '/_matrix/client/unstable/fi.mau.msc2659/appservice/{appserviceId}/ping',
  ],
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ transaction_id: v.optional(v.string()) }),
  bodyOptional: true,
});
