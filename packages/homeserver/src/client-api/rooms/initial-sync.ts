import { roomInitialSync as roomInitialSyncEndpoint } from '@hearth/api/client/rooms/initial-sync.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { RoomInitialSync } from '../../sync/initial/room-initial-sync.ts';

/** Returns the route of `GET /rooms/{roomId}/initialSync`. */
export function roomInitialSyncRoutes(roomInitialSync: RoomInitialSync): Route[] {
  return [
    route(roomInitialSyncEndpoint, async ({ params, query, caller: { user, device } }) =>
      jsonAnswer(await roomInitialSync.respond({ user, device, roomId: params.roomId, limit: query.limit })),
    ),
  ];
}
