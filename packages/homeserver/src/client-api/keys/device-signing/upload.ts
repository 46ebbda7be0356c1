import { uploadCrossSigningKeys } from '@hearth/api/client/keys/device-signing/upload.ts';
import type { CrossSigning, CrossSigningKeys } from '../../../encryption/cross-signing.ts';
import { type Route, route } from '../../../http/route.ts';
import type { OwnerCheck } from '../../../users/credentials/owner-check.ts';
import { challengeReply } from '../../support/challenge.ts';

/** Returns the route of `POST /keys/device_signing/upload` (client-server API, "Cross-signing"). */
export function deviceSigningUploadRoutes(crossSigning: CrossSigning, ownerCheck: OwnerCheck): Route[] {
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
  ];
}
