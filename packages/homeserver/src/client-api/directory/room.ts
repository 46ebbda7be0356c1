import {
  deleteRoomAlias,
  getRoomIdByAlias,
  getRoomVisibilityOnDirectory,
  setRoomAlias,
  setRoomVisibilityOnDirectory,
} from '@hearth/api/client/directory/room.ts';
import type { Directories } from '../../directory/directories.ts';
import type { RoomDirectory } from '../../directory/room-directory.ts';
import { type Route, route } from '../../http/route.ts';

/**
 * Returns the routes of GET, PUT and DELETE `/directory/room/{roomAlias}` and GET and PUT
 * `/directory/list/room/{roomId}`.
 */
export function directoryRoomRoutes(directory: RoomDirectory, directories: Directories): Route[] {
  return [
    route(getRoomIdByAlias, async ({ params }) => {
      const { roomId, servers } = await directories.resolve(params.roomAlias);
      return { room_id: roomId, servers: [...servers] };
    }),
    route(setRoomAlias, async ({ params, body, caller }) => {
      await directory.add(caller, params.roomAlias, body.room_id);
      return {};
    }),
    route(deleteRoomAlias, async ({ params, caller }) => {
      await directory.remove(caller, params.roomAlias);
      return {};
    }),
    route(getRoomVisibilityOnDirectory, async ({ params }) => ({
      visibility: (await directory.isPublished(params.roomId)) ? 'public' : 'private',
    })),
    route(setRoomVisibilityOnDirectory, async ({ params, body, caller }) => {
      await directory.publish(caller, params.roomId, body.visibility === 'public');
      return {};
    }),
  ];
}
