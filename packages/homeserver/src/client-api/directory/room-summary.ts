import { getRoomSummary } from '@hearth/api/client/directory/room-summary.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { KnownRooms } from '../../directory/known-rooms.ts';
import type { RoomDirectory } from '../../directory/room-directory.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /room_summary/{roomIdOrAlias}`. */
export function roomSummaryRoutes(knownRooms: KnownRooms, directory: RoomDirectory): Route[] {
  return [
    route(getRoomSummary, async ({ params, caller }) => {
      const { roomIdOrAlias: given } = params;
      const roomId = given.startsWith('#') ? (await directory.resolve(given)).roomId : given;
      const summary = await knownRooms.byId(roomId, caller?.user);
      if (summary === undefined) throw notFound('There is no such room');
      const membership = caller && (await knownRooms.membership(summary.row.num, caller.user));
      return { ...summary.entry, ...summary.more, ...(membership !== undefined && { membership }) };
    }),
  ];
}
