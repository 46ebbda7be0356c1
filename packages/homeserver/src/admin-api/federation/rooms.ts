import { listDestinationRooms } from '@hearth/api/admin/federation/rooms.ts';
import { knownDestination } from '../../client-api/support/known-destination.ts';
import { pageOf } from '../../client-api/support/list-page.ts';
import type { DestinationList } from '../../federation/sending/destination-list.ts';
import { type Route, route } from '../../http/route.ts';
import type { ServersInRooms } from '../../rooms/remote/servers-in-room.ts';

/** Returns the route of `GET /federation/destinations/{destination}/rooms`. */
export function destinationRoomsRoutes(
  list: DestinationList | undefined,
  servers: Pick<ServersInRooms, 'roomsOf'> | undefined,
): Route[] {
  return [
    route(listDestinationRooms, async ({ params, query }) => {
      const { destination } = params;
      await knownDestination(list, destination);
      const heads = (await servers?.roomsOf(destination)) ?? [];
      const rooms = heads
        .map(({ roomId, stored }) => ({ room_id: roomId, stream_ordering: stored.lastEvent }))
        .sort((a, b) => (a.room_id < b.room_id ? -1 : 1));
      return pageOf('rooms', query.dir === 'f' ? rooms : rooms.reverse(), query);
    }),
  ];
}
