import { getEventByTimestamp } from '@hearth/api/client/rooms/timestamp-to-event.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { type Route, route } from '../../http/route.ts';
import { roomAccess } from '../../rooms/access.ts';
import { type ContextDeps, closestEvent } from '../../timeline/context.ts';

/** Returns the route of `GET /rooms/{roomId}/timestamp_to_event`. */
export function timestampToEventRoutes(deps: ContextDeps & { readonly ignoredUsers: IgnoredUsers }): Route[] {
  return [
    route(getEventByTimestamp, async ({ params, query, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      const event = await closestEvent(deps, caller.user, access, query);
      if (event === undefined) throw notFound('There is no event in that direction');
      return { event_id: event.eventId, origin_server_ts: event.ts };
    }),
  ];
}
