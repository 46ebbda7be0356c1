import { uploadCrossSigningSignatures } from '@hearth/api/client/keys/signatures/upload.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Signatures, SignedKeys } from '../../../encryption/signatures.ts';
import { type Route, route } from '../../../http/route.ts';

/** Returns the route of `POST /keys/signatures/upload` (client-server API, "Cross-signing"). */
export function signaturesUploadRoutes(signatures: Signatures): Route[] {
  return [
    route(uploadCrossSigningSignatures, async ({ caller, body }) => ({
      failures: await signatures.upload(caller, parseSignedKeys(body)),
    })),
  ];
}

/** Parses the signed objects by user id. @throws MatrixError M_BAD_JSON */
function parseSignedKeys(body: JsonObject): SignedKeys {
  const users = new Map<string, SignedKeys extends ReadonlyMap<string, infer Keys> ? Keys : never>();
  for (const [userId, keys] of Object.entries(body)) {
    if (parseUserId(userId) === undefined) throw badJson('The body has a key that is not a user id');
    if (!isObject(keys)) throw badJson(`The keys of ${userId} must be an object`);
    users.set(userId, new Map(Object.entries(keys)));
  }
  return users;
}
