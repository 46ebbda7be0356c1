import { queryRoomDirectory } from '@hearth/api/federation/query/directory.ts';
import type { RoomDirectory } from '../../directory/room-directory.ts';
import { type Route, route } from '../../http/route.ts';
import type { ServersInRooms } from '../../rooms/remote/servers-in-room.ts';

/** Returns the route of `GET /query/directory` (server-server API, "Querying for information"). */
export function queryDirectoryRoutes(directory: RoomDirectory, servers: ServersInRooms): Route[] {
  return [
    route(queryRoomDirectory, async ({ query }) => {
      const head = await directory.resolve(query.room_alias);
      return { room_id: head.roomId, servers: await servers.candidates(head) };
    }),
  ];
}
