import * as v from 'valibot';
import { jsonObject } from '../../../definitions/json.ts';
import { endpoint, federationV1 } from '../../../endpoint.ts';

/** `POST /user/keys/claim`: one-time keys of users of this server. */
export const claimUserKeys = endpoint({
  operation: 'claimUserEncryptionKeys',
  method: 'POST',
  paths: federationV1('/user/keys/claim'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({ one_time_keys: jsonObject }),
});
