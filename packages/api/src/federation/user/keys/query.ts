import * as v from 'valibot';
import { jsonObject } from '../../../definitions/json.ts';
import { endpoint, federationV1 } from '../../../endpoint.ts';

/** `POST /user/keys/query`: the public keys of users of this server. */
export const queryUserKeys = endpoint({
  operation: 'queryUserEncryptionKeys',
  method: 'POST',
  paths: federationV1('/user/keys/query'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({ device_keys: jsonObject }),
});
