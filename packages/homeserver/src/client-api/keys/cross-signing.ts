import { uploadCrossSigningKeys } from '@hearth/api/client/keys/device-signing/upload.ts';
import { uploadCrossSigningSignatures } from '@hearth/api/client/keys/signatures/upload.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { CrossSigning, CrossSigningKeys } from '../../encryption/cross-signing.ts';
import type { Signatures, SignedKeys } from '../../encryption/signatures.ts';
import { type Route, route } from '../../http/route.ts';
import type { OwnerCheck } from '../../users/credentials/owner-check.ts';
import { challengeReply } from '../challenge.ts';

/** Returns the routes for cross-signing keys and signatures (client-server API, "Cross-signing"). */
export function crossSigningRoutes({
  crossSigning,
  signatures,
  ownerCheck,
}: {
  readonly crossSigning: CrossSigning;
  readonly signatures: Signatures;
  readonly ownerCheck: OwnerCheck;
}): Route[] {
  return [
    route(uploadCrossSigningKeys, async ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'uploadCrossSigningKeys', caller, from };
      const body = ownerCheck.recall(request, given);
      const keys: CrossSigningKeys = {
        ...(body.master_key !== undefined && { master: body.master_key }),
        ...(body.self_signing_key !== undefined && { self_signing: body.self_signing_key }),
        ...(body.user_signing_key !== undefined && { user_signing: body.user_signing_key }),
      };
      if (await crossSigning.upload(caller, keys, false)) return {};
      const verdict = await ownerCheck.judge(request, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await crossSigning.upload(caller, keys, true);
      return {};
    }),
    route(uploadCrossSigningSignatures, async ({ caller, body }) => ({
      failures: await signatures.upload(caller, signedKeys(body)),
    })),
  ];
}

/** @throws MatrixError M_BAD_JSON */
function signedKeys(body: JsonObject): SignedKeys {
  const users = new Map<string, SignedKeys extends ReadonlyMap<string, infer Keys> ? Keys : never>();
  for (const [userId, keys] of Object.entries(body)) {
    if (parseUserId(userId) === undefined) throw badJson('A name of the body is no user id');
    if (!isObject(keys)) throw badJson(`The keys of ${userId} must be an object`);
    users.set(userId, new Map(Object.entries(keys)));
  }
  return users;
}
