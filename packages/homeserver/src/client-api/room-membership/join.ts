import { joinRoom, joinRoomById } from '@hearth/api/client/room-membership/join.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Directories } from '../../directory/directories.ts';
import { type Route, route } from '../../http/route.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the routes of `POST /rooms/{roomId}/join` and `POST /join/{roomIdOrAlias}`. */
export function joinRoutes(directories: Directories, joining: Memberships): Route[] {
  return [
    route(joinRoomById, async ({ params, body, caller }) => {
      await joining.joinById(params.roomId, caller, joinContent(body), []);
      return { room_id: params.roomId };
    }),
    route(joinRoom, async ({ params, query, body, caller }) => {
      const { roomId, servers } = await roomByIdOrAlias(directories, params.roomIdOrAlias, query);
      await joining.joinById(roomId, caller, joinContent(body), servers);
      return { room_id: roomId };
    }),
  ];
}

/** Returns the members of a body that become part of the caller's member event. */
function joinContent(body: { readonly [key: string]: unknown }): JsonObject {
  const { third_party_signed: _signed, join_authorised_via_users_server: _via, ...content } = body;
  return content as JsonObject;
}
