import { getRoomStateIds } from '@hearth/api/federation/rooms/state-ids.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { ServedState } from '../../rooms/serving/served-state.ts';

/** Returns the route of `GET /state_ids/{roomId}` (server-server API, "Retrieving events"). */
export function servedStateIdsRoutes(state: ServedState): Route[] {
  return [
    route(getRoomStateIds, async ({ origin, params, query }) =>
      jsonAnswer(await state.ids(origin, params.roomId, query.event_id)),
    ),
  ];
}
