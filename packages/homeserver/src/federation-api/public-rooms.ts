import { getPublicRoomsForServer, queryPublicRoomsForServer } from '@hearth/api/federation/public-rooms.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import type { PublicRooms, PublicRoomsQuery } from '../directory/public-rooms.ts';
import { type Route, route } from '../http/route.ts';

/** Returns the routes of GET and POST `/publicRooms` (server-server API, "Published Room Directory"). */
export function federatedPublicRoomsRoutes(publicRooms: PublicRooms, isPublic: boolean): Route[] {
  const page = (query: PublicRoomsQuery) => {
    if (!isPublic) throw forbidden('This server does not show its room directory to other servers');
    return publicRooms.page(query);
  };
  return [
    route(getPublicRoomsForServer, ({ query }) => page(query)),
    route(queryPublicRoomsForServer, ({ body: { limit, since, filter } }) =>
      page({ limit, since, term: filter?.generic_search_term, roomTypes: filter?.room_types ?? undefined }),
    ),
  ];
}
