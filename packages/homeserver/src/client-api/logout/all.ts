import { logoutAll } from '@hearth/api/client/logout/all.ts';
import { type Route, route } from '../../http/route.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';

/** Returns the route of `POST /logout/all` (client-server API, "Logout"). */
export function logoutAllRoutes(sessions: Sessions): Route[] {
  return [
    route(logoutAll, async ({ caller }) => {
      await sessions.logoutAll(caller.user);
      return {};
    }),
  ];
}
