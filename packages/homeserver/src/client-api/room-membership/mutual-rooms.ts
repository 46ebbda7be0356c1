import { getMutualRooms, getMutualRoomsUnstable } from '@hearth/api/client/room-membership/mutual-rooms.ts';
import { type Route, route } from '../../http/route.ts';
import { mutualRooms } from '../../rooms/membership/mutual-rooms.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Names } from '../../storage/engine/names.ts';

/** Returns the routes of `GET /mutual_rooms` (client-server API, "Mutual Rooms") and of its unstable path (MSC2666). */
export function mutualRoomsRoutes(userRooms: UserRooms, names: Names): Route[] {
  return [
    route(getMutualRooms, async ({ query, caller }) => {
      const { roomIds, count, next } = await mutualRooms({ userRooms, names }, caller, query.user_id, query.from);
      return { joined: [...roomIds], count, ...(next === undefined ? {} : { next_batch: next }) };
    }),
    route(getMutualRoomsUnstable, async ({ query, caller }) => {
      const { roomIds, next } = await mutualRooms({ userRooms, names }, caller, query.user_id, query.batch_token);
      return { joined: [...roomIds], ...(next === undefined ? {} : { next_batch_token: next }) };
    }),
  ];
}
