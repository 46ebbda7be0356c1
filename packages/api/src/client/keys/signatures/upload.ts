import { jsonObject } from '../../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../../endpoint.ts';

/** `POST /keys/signatures/upload`: the signed objects by user id and then by device id or public key. */
export const uploadCrossSigningSignatures = endpoint({
  operation: 'uploadCrossSigningSignatures',
  method: 'POST',
  paths: v3AndUnstable('/keys/signatures/upload'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: jsonObject,
});
