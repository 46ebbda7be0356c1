import { getPresence, setPresence } from '@hearth/api/client/presence/status.ts';
import { type Route, route } from '../../http/route.ts';
import type { Presences } from '../../presence/presence.ts';
import { requireSelf } from '../../users/self.ts';

/** Returns the routes of GET and PUT `/presence/{userId}/status` (client-server API, "Presence"). */
export function presenceStatusRoutes(presences: Presences): Route[] {
  return [
    route(getPresence, ({ caller, params }) => presences.visibleTo(caller.user, params.userId)),
    route(setPresence, async ({ caller, params, body }) => {
      requireSelf(caller, params.userId);
      await presences.set(caller, body.presence, body.status_msg);
      return {};
    }),
  ];
}
