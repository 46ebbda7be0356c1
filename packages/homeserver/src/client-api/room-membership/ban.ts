import { ban } from '@hearth/api/client/room-membership/ban.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomOfMember } from '../support/find-room.ts';

/** Returns the route of `POST /rooms/{roomId}/ban`. */
export function banRoutes(heads: Heads, joining: Memberships): Route[] {
  return [
    route(ban, async ({ params, body, caller }) => {
      await joining.ban(await roomOfMember(heads, params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
  ];
}
