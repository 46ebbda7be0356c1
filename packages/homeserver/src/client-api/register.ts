import {
  checkUsernameAvailability,
  legacyRegister,
  legacyRegisterFlows,
  register,
  registrationTokenValidity,
} from '@hearth/api/client/register.ts';
import { type Route, route } from '../http/route.ts';
import type { Registrations } from '../users/registration.ts';
import type { Sessions } from '../users/sessions.ts';
import { challengeReply } from './challenge.ts';
import { loginOptions, sessionReply } from './session-reply.ts';

/** Account registration (client-server API, "Account registration"). */
export function registerRoutes({
  registrations,
  sessions,
}: {
  readonly registrations: Registrations;
  readonly sessions: Sessions;
}): Route[] {
  const registerGuest = async (displayName: string | undefined) => {
    const account = await registrations.registerGuest();
    return sessionReply(account.userId, await sessions.login(account.user, { displayName }));
  };
  return [
    route(register, async ({ query, body }) => {
      if (query.kind === 'guest') return registerGuest(body.initial_device_display_name);
      const options = loginOptions(body);
      const result = await registrations.register(body, body);
      if ('challenge' in result) return challengeReply(result.challenge);
      const { user, userId } = result.account;
      if (body.inhibit_login === true) return { user_id: userId };
      return sessionReply(userId, await sessions.login(user, options));
    }),
    route(checkUsernameAvailability, async ({ query }) => {
      await registrations.checkAvailable(query.username);
      return { available: true };
    }),
    route(registrationTokenValidity, async ({ query }) => ({ valid: await registrations.isTokenValid(query.token) })),
    route(legacyRegisterFlows, () => ({ flows: [{ type: 'm.login.password' }] })),
    route(legacyRegister, async ({ body }) => {
      const auth = { type: 'm.login.dummy' };
      const wanted = { username: body.user, password: body.password };
      const result = await registrations.register({ auth }, wanted);
      if ('challenge' in result) return challengeReply(result.challenge);
      const { user, userId } = result.account;
      return sessionReply(userId, await sessions.login(user, {}));
    }),
  ];
}
