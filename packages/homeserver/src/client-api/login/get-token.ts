import { generateLoginToken } from '@hearth/api/client/login/get-token.ts';
import { type Route, route } from '../../http/route.ts';
import type { OwnerCheck } from '../../users/credentials/owner-check.ts';
import { LOGIN_TOKEN_MS, type Logins } from '../../users/sessions/logins.ts';
import { challengeReply } from '../support/challenge.ts';

/** Returns the route of `POST /login/get_token` (client-server API, "Login"). */
export function loginTokenRoutes(logins: Logins, ownerCheck: OwnerCheck): Route[] {
  return [
    route(generateLoginToken, async ({ caller, body, remoteAddress: from }) => {
      const verdict = await ownerCheck.judge({ operation: 'generateLoginToken', caller, from }, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      return { login_token: logins.makeToken(caller.userId), expires_in_ms: LOGIN_TOKEN_MS };
    }),
  ];
}
