import { inviteUser } from '@hearth/api/client/room-membership/invite.ts';
import { threepidDenied } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomOfMember } from '../support/find-room.ts';

/** Returns the route of `POST /rooms/{roomId}/invite`. */
export function inviteRoutes(heads: Heads, joining: Memberships): Route[] {
  return [
    route(inviteUser, async ({ params, body, caller }) => {
      if ('medium' in body) throw threepidDenied('This server does not support third-party identifiers');
      await joining.invite(await roomOfMember(heads, params.roomId), caller, body.user_id, body.reason);
      return {};
    }),
  ];
}
