import { getPublicRooms, queryPublicRooms } from '@hearth/api/client/directory/public-rooms.ts';
import { missingToken, notFound } from '@hearth/protocol/errors.ts';
import type { PublicRooms, PublicRoomsQuery } from '../../directory/public-rooms.ts';
import { type Route, route } from '../../http/route.ts';

export interface PublicRoomsSettings {
  readonly serverName: string;
  /** Whether the directory can be read without an account. */
  readonly publicList: boolean;
}

/** Returns the routes of GET and POST `/publicRooms`. */
export function publicRoomsRoutes(publicRooms: PublicRooms, { serverName, publicList }: PublicRoomsSettings): Route[] {
  const list = (query: PublicRoomsQuery, server: string | undefined) => {
    if (server !== undefined && server !== serverName) throw notFound('This server does not support federation yet');
    return publicRooms.page(query);
  };
  return [
    route(getPublicRooms, ({ query, caller }) => {
      if (caller === undefined && !publicList)
        throw missingToken('The room directory of this server requires an access token');
      return list({ limit: query.limit, since: query.since }, query.server);
    }),
    route(queryPublicRooms, ({ query, body }) => {
      const { filter } = body;
      const roomTypes = filter?.room_types ?? undefined;
      return list({ limit: body.limit, since: body.since, term: filter?.generic_search_term, roomTypes }, query.server);
    }),
  ];
}
