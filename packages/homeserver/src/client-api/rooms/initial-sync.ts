import { roomInitialSync as roomInitialSyncEndpoint } from '@hearth/api/client/rooms/initial-sync.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { RoomInitialSync } from '../../sync/initial/room-initial-sync.ts';
import { serversIn } from '../support/find-room.ts';

/** Returns the route of `GET /rooms/{roomId}/initialSync`. */
export function roomInitialSyncRoutes(roomInitialSync: RoomInitialSync): Route[] {
  return [
    route(roomInitialSyncEndpoint, async ({ params: { roomId }, query, caller: { user, device } }) => {
      const servers = serversIn(query);
      return jsonAnswer(await roomInitialSync.respond({ user, device, roomId, servers, limit: query.limit }));
    }),
  ];
}
