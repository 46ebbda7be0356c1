import {
  deleteRoomAlias,
  getRoomIdByAlias,
  getRoomVisibilityOnDirectory,
  setRoomAlias,
  setRoomVisibilityOnDirectory,
} from '@hearth/api/client/directory/room.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { RoomDirectory } from '../../directory/room-directory.ts';
import { type Route, route } from '../../http/route.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';

export interface DirectoryRoomDeps {
  readonly directory: RoomDirectory;
  readonly names: Names;
  readonly rooms: RoomStore;
  readonly serverName: string;
}

/**
 * Returns the routes of GET, PUT and DELETE `/directory/room/{roomAlias}` and GET and PUT
 * `/directory/list/room/{roomId}`.
 */
export function directoryRoomRoutes({ directory, names, rooms, serverName }: DirectoryRoomDeps): Route[] {
  return [
    route(getRoomIdByAlias, async ({ params }) => {
      const head = await directory.resolve(params.roomAlias);
      return { room_id: head.roomId, servers: [serverName] };
    }),
    route(setRoomAlias, async ({ params, body, caller }) => {
      await directory.add(caller, params.roomAlias, body.room_id);
      return {};
    }),
    route(deleteRoomAlias, async ({ params, caller }) => {
      await directory.remove(caller, params.roomAlias);
      return {};
    }),
    route(getRoomVisibilityOnDirectory, async ({ params }) => {
      const num = await names.find(params.roomId);
      const [row] = num === undefined ? [] : await rooms.load([num]);
      if (row === undefined) throw notFound('There is no such room');
      return { visibility: row.published ? 'public' : 'private' };
    }),
    route(setRoomVisibilityOnDirectory, async ({ params, body, caller }) => {
      await directory.publish(caller, params.roomId, body.visibility === 'public');
      return {};
    }),
  ];
}
