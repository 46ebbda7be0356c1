import { getRoomStateForServer } from '@hearth/api/federation/rooms/state.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { ServedState } from '../../rooms/serving/served-state.ts';

/** Returns the route of `GET /state/{roomId}` (server-server API, "Retrieving events"). */
export function servedStateRoutes(state: ServedState): Route[] {
  return [
    route(getRoomStateForServer, async ({ origin, params, query }) =>
      jsonAnswer(await state.pdus(origin, params.roomId, query.event_id)),
    ),
  ];
}
