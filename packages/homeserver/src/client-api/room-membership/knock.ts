import { knockRoom } from '@hearth/api/client/room-membership/knock.ts';
import type { Directories } from '../../directory/directories.ts';
import { type Route, route } from '../../http/route.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the route of `POST /knock/{roomIdOrAlias}`. */
export function knockRoutes(directories: Directories, joining: Memberships): Route[] {
  return [
    route(knockRoom, async ({ params, query, body, caller }) => {
      const { roomId, servers } = await roomByIdOrAlias(directories, params.roomIdOrAlias, query);
      await joining.knockById(roomId, caller, body.reason, servers);
      return { room_id: roomId };
    }),
  ];
}
