import { leaveRoom } from '@hearth/api/client/room-membership/leave.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomOfMember } from '../support/find-room.ts';

/** Returns the route of `POST /rooms/{roomId}/leave`. */
export function leaveRoutes(heads: Heads, joining: Memberships): Route[] {
  return [
    route(leaveRoom, async ({ params, body, caller }) => {
      await joining.leave(await roomOfMember(heads, params.roomId), caller, body.reason);
      return {};
    }),
  ];
}
