import { getRoomSummary } from '@hearth/api/client/directory/room-summary.ts';
import type { RoomLookup } from '../../directory/room-lookup.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /room_summary/{roomIdOrAlias}`. */
export function roomSummaryRoutes(rooms: RoomLookup): Route[] {
  return [
    route(getRoomSummary, ({ params, query, caller }) =>
      rooms.summary(params.roomIdOrAlias, caller?.user, query.via ?? []),
    ),
  ];
}
