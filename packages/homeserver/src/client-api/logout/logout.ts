import { logout } from '@hearth/api/client/logout/logout.ts';
import { type Route, route } from '../../http/route.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';

/** Returns the route of `POST /logout` (client-server API, "Logout"). */
export function logoutRoutes(sessions: Sessions): Route[] {
  return [
    route(logout, async ({ caller }) => {
      await sessions.logout(caller.user, [caller.device]);
      return {};
    }),
  ];
}
