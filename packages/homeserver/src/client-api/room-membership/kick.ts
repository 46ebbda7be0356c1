import { kick } from '@hearth/api/client/room-membership/kick.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomOfMember } from '../support/find-room.ts';

/** Returns the route of `POST /rooms/{roomId}/kick`. */
export function kickRoutes(heads: Heads, joining: Memberships): Route[] {
  return [
    route(kick, async ({ params, body, caller }) => {
      await joining.kick(await roomOfMember(heads, params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
  ];
}
