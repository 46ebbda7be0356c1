import { unban } from '@hearth/api/client/room-membership/unban.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomOfMember } from '../support/find-room.ts';

/** Returns the route of `POST /rooms/{roomId}/unban`. */
export function unbanRoutes(heads: Heads, joining: Memberships): Route[] {
  return [
    route(unban, async ({ params, body, caller }) => {
      await joining.unban(await roomOfMember(heads, params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
  ];
}
