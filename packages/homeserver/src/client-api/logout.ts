import { logoutAll } from '@hearth/api/client/logout/all.ts';
import { logout } from '@hearth/api/client/logout/logout.ts';
import { type Route, route } from '../http/route.ts';
import type { Sessions } from '../users/sessions/sessions.ts';

/** Returns the routes for logging out (client-server API, "Logout"). */
export function logoutRoutes({ sessions }: { readonly sessions: Sessions }): Route[] {
  return [
    route(logout, async ({ caller }) => {
      await sessions.logout(caller.user, [caller.device]);
      return {};
    }),
    route(logoutAll, async ({ caller }) => {
      await sessions.logoutAll(caller.user);
      return {};
    }),
  ];
}
