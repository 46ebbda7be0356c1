import { generateLoginToken } from '@hearth/api/client/login/get-token.ts';
import { getLoginFlows, login } from '@hearth/api/client/login/login.ts';
import { refresh } from '@hearth/api/client/login/refresh.ts';
import type { Body } from '@hearth/api/endpoint.ts';
import { missingParam, unknown } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';
import type { Account } from '../users/accounts.ts';
import { identifiedUser } from '../users/credentials/auth-stages.ts';
import type { OwnerCheck } from '../users/credentials/owner-check.ts';
import { LOGIN_TOKEN_MS, type Logins } from '../users/sessions/logins.ts';
import type { Sessions } from '../users/sessions/sessions.ts';
import { challengeReply } from './challenge.ts';
import { loginOptions, sessionReply, tokenReply } from './session-reply.ts';

/**
 * Returns the routes for login and for refreshing access tokens (client-server API, "Login", "Refreshing access
 * tokens").
 */
export function loginRoutes({
  logins,
  sessions,
  ownerCheck,
}: {
  readonly logins: Logins;
  readonly sessions: Sessions;
  readonly ownerCheck: OwnerCheck;
}): Route[] {
  const identify = (body: Body<typeof login>, from: string): Promise<Account> => {
    if (body.type === 'm.login.token') {
      if (body.token === undefined) throw missingParam("Missing member 'token'");
      return logins.byToken(body.token);
    }
    if (body.type !== 'm.login.password') throw unknown('Unknown login type', 400);
    const name = identifiedUser(body);
    if (name === undefined) throw missingParam("Missing 'identifier' of the type m.id.user");
    if (body.password === undefined) throw missingParam("Missing member 'password'");
    return logins.byPassword(name, body.password, from);
  };
  return [
    route(getLoginFlows, () => ({
      flows: [{ type: 'm.login.password' }, { type: 'm.login.token', get_login_token: true }],
    })),
    route(login, async ({ body, remoteAddress }) => {
      const options = loginOptions(body);
      const account = await identify(body, remoteAddress);
      return sessionReply(account.userId, await sessions.login(account.user, options));
    }),
    route(generateLoginToken, async ({ caller, body, remoteAddress: from }) => {
      const verdict = await ownerCheck.judge({ operation: 'generateLoginToken', caller, from }, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      return { login_token: logins.makeToken(caller.userId), expires_in_ms: LOGIN_TOKEN_MS };
    }),
    route(refresh, async ({ body }) => tokenReply(await sessions.refresh(body.refresh_token))),
  ];
}
