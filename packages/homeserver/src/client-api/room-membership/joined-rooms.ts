import { getJoinedRooms } from '@hearth/api/client/room-membership/joined-rooms.ts';
import { type Route, route } from '../../http/route.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Names } from '../../storage/engine/names.ts';

/** Returns the route of `GET /joined_rooms`. */
export function joinedRoomsRoutes(userRooms: UserRooms, names: Names): Route[] {
  return [
    route(getJoinedRooms, async ({ caller }) => {
      const rows = [...(await userRooms.of(caller.user)).values()];
      const joined = rows.filter(({ membership }) => membership === 'join').map(({ room }) => room);
      return { joined_rooms: [...(await names.texts(joined)).values()] };
    }),
  ];
}
