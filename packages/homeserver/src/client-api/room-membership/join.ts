import { joinRoom, joinRoomById } from '@hearth/api/client/room-membership/join.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the routes of `POST /rooms/{roomId}/join` and `POST /join/{roomIdOrAlias}`. */
export function joinRoutes(heads: Heads, aliases: Aliases, joining: Memberships): Route[] {
  return [
    route(joinRoomById, async ({ params, body, caller }) => {
      const head = await heads.get(params.roomId);
      await joining.join(head, caller, joinContent(body));
      return { room_id: head.roomId };
    }),
    route(joinRoom, async ({ params, body, caller }) => {
      const head = await roomByIdOrAlias(heads, aliases, params.roomIdOrAlias);
      await joining.join(head, caller, joinContent(body));
      return { room_id: head.roomId };
    }),
  ];
}

/** Returns the members of a body that become part of the caller's member event. */
function joinContent(body: { readonly [key: string]: unknown }): JsonObject {
  const { third_party_signed: _signed, join_authorised_via_users_server: _via, ...content } = body;
  return content as JsonObject;
}
