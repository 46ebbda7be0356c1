import { getLoginFlows, login } from '@hearth/api/client/login/login.ts';
import type { Body } from '@hearth/api/endpoint.ts';
import { missingParam, unknown } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { Account } from '../../users/accounts.ts';
import { identifiedUser } from '../../users/credentials/auth-stages.ts';
import type { ApplicationServiceSessions } from '../../users/sessions/application-service-sessions.ts';
import type { Logins } from '../../users/sessions/logins.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';
import { parseLoginOptions, sessionReply } from '../support/session-reply.ts';

/** Returns the routes of GET and POST `/login` (client-server API, "Login"). */
export function loginRoutes(logins: Logins, sessions: Sessions, serviceSessions: ApplicationServiceSessions): Route[] {
  const identify = (body: Body<typeof login>, from: string, token: string | undefined): Promise<Account> => {
    if (body.type === 'm.login.token') {
      if (body.token === undefined) throw missingParam("Missing member 'token'");
      return logins.byToken(body.token);
    }
    const isService = body.type === 'm.login.application_service';
    if (body.type !== 'm.login.password' && !isService) throw unknown('Unknown login type', 400);
    const service = isService ? serviceSessions.requireService(token) : undefined;
    const name = identifiedUser(body);
    if (name === undefined) throw missingParam("Missing 'identifier' of the type m.id.user");
    if (service !== undefined) return logins.byService(service, name);
    if (body.password === undefined) throw missingParam("Missing member 'password'");
    return logins.byPassword(name, body.password, from);
  };
  return [
    route(getLoginFlows, () => ({
      flows: [
        { type: 'm.login.password' },
        { type: 'm.login.token', get_login_token: true },
        ...(logins.areForServices ? [{ type: 'm.login.application_service' }] : []),
      ],
    })),
    route(login, async ({ body, remoteAddress, accessToken }) => {
      const options = parseLoginOptions(body);
      const account = await identify(body, remoteAddress, accessToken);
      return sessionReply(account.userId, await sessions.login(account.user, options));
    }),
  ];
}
