import { forgetRoom } from '@hearth/api/client/room-membership/forget.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomOfMember } from '../support/find-room.ts';

/** Returns the route of `POST /rooms/{roomId}/forget`. */
export function forgetRoutes(heads: Heads, joining: Memberships): Route[] {
  return [
    route(forgetRoom, async ({ params, caller }) => {
      await joining.forget(await roomOfMember(heads, params.roomId), caller);
      return {};
    }),
  ];
}
