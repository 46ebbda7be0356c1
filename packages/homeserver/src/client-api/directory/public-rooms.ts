import { getPublicRooms, queryPublicRooms } from '@hearth/api/client/directory/public-rooms.ts';
import { missingToken } from '@hearth/protocol/errors.ts';
import type { Directories } from '../../directory/directories.ts';
import { type Route, route } from '../../http/route.ts';

/**
 * Returns the routes of GET and POST `/publicRooms`.
 * @param publicList whether the directory can be read without an account
 */
export function publicRoomsRoutes(directories: Directories, publicList: boolean): Route[] {
  return [
    route(getPublicRooms, ({ query, caller }) => {
      if (caller === undefined && !publicList)
        throw missingToken('The room directory of this server requires an access token');
      return directories.publicRoomsOf(query.server, { limit: query.limit, since: query.since });
    }),
    route(queryPublicRooms, ({ query, body }) => {
      const { filter } = body;
      const roomTypes = filter?.room_types ?? undefined;
      const term = filter?.generic_search_term;
      return directories.publicRoomsOf(query.server, { limit: body.limit, since: body.since, term, roomTypes });
    }),
  ];
}
