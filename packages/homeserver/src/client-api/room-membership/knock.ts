import { knockRoom } from '@hearth/api/client/room-membership/knock.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the route of `POST /knock/{roomIdOrAlias}`. */
export function knockRoutes(heads: Heads, aliases: Aliases, joining: Memberships): Route[] {
  return [
    route(knockRoom, async ({ params, body, caller }) => {
      const head = await roomByIdOrAlias(heads, aliases, params.roomIdOrAlias);
      await joining.knock(head, caller, body.reason);
      return { room_id: head.roomId };
    }),
  ];
}
