import { legacyRegister, legacyRegisterFlows, register } from '@hearth/api/client/register/register.ts';
import type { Body } from '@hearth/api/endpoint.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { Registrations } from '../../users/registration/registration.ts';
import type { ApplicationServiceSessions } from '../../users/sessions/application-service-sessions.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';
import { challengeReply } from '../support/challenge.ts';
import { parseLoginOptions, sessionReply } from '../support/session-reply.ts';

/**
 * Returns the routes of `POST /register` and GET and POST `/_matrix/client/api/v1/register` (client-server API,
 * "Account registration").
 */
export function registerRoutes(
  registrations: Registrations,
  sessions: Sessions,
  serviceSessions: ApplicationServiceSessions,
): Route[] {
  const registerGuest = async (displayName: string | undefined) => {
    const account = await registrations.registerGuest();
    return sessionReply(account.userId, await sessions.login(account.user, { displayName }));
  };
  const registerForService = async (body: Body<typeof register>, token: string | undefined) => {
    const service = serviceSessions.requireService(token);
    if (body.username === undefined) throw missingParam("Missing member 'username'");
    const options = parseLoginOptions(body);
    const { user, userId } = await registrations.registerFor(service, body.username);
    if (body.inhibit_login === true) return { user_id: userId };
    return sessionReply(userId, await sessions.login(user, options));
  };
  return [
    route(register, async ({ query, body: given, spend, accessToken }) => {
      if (given.type === 'm.login.application_service') return registerForService(given, accessToken);
      // A request for the flows does not count as an attempt, because clients send one each time their page is loaded.
      if (query.kind === 'guest' || given.auth !== undefined) spend('registration', 1);
      if (query.kind === 'guest') return registerGuest(given.initial_device_display_name);
      const body = registrations.recall(given);
      const options = parseLoginOptions(body);
      const result = await registrations.register(body);
      if ('challenge' in result) return challengeReply(result.challenge);
      const { user, userId } = result.account;
      if (body.inhibit_login === true) return { user_id: userId };
      return sessionReply(userId, await sessions.login(user, options));
    }),
    route(legacyRegisterFlows, () => ({ flows: [{ type: 'm.login.password' }] })),
    route(legacyRegister, async ({ body }) => {
      const auth = { type: 'm.login.dummy' };
      const result = await registrations.register({ auth, username: body.user, password: body.password });
      if ('challenge' in result) return challengeReply(result.challenge);
      const { user, userId } = result.account;
      return sessionReply(userId, await sessions.login(user, {}));
    }),
  ];
}
