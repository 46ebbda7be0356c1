import { getSharedSecretNonce, registerWithSharedSecret } from '@hearth/api/admin/register.ts';
import { sessionReply } from '../client-api/support/session-reply.ts';
import { type Route, route } from '../http/route.ts';
import type { SharedSecretRegistration } from '../users/registration/shared-secret.ts';
import type { Sessions } from '../users/sessions/sessions.ts';

/** Returns the routes for registration with the shared secret. */
export function sharedSecretRoutes(sharedSecret: SharedSecretRegistration, sessions: Sessions): Route[] {
  return [
    route(getSharedSecretNonce, () => ({ nonce: sharedSecret.nonce() })),
    route(registerWithSharedSecret, async ({ body }) => {
      const { user, userId } = await sharedSecret.register(body);
      return sessionReply(userId, await sessions.login(user, {}));
    }),
  ];
}
