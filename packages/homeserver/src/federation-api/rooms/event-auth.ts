import { getEventAuth } from '@hearth/api/federation/rooms/event-auth.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { ServedState } from '../../rooms/serving/served-state.ts';

/** Returns the route of `GET /event_auth/{roomId}/{eventId}` (server-server API, "Retrieving event authorisation information"). */
export function eventAuthRoutes(state: ServedState): Route[] {
  return [
    route(getEventAuth, async ({ origin, params }) =>
      jsonAnswer(await state.authChain(origin, params.roomId, params.eventId)),
    ),
  ];
}
