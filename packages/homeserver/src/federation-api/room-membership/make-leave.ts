import { makeLeave } from '@hearth/api/federation/room-membership/make-leave.ts';
import { type Route, route } from '../../http/route.ts';
import type { MemberTemplates } from '../../rooms/serving/member-templates.ts';

/** Returns the route of `GET /make_leave/{roomId}/{userId}` (server-server API, "Leaving Rooms (Rejecting Invites)"). */
export function makeLeaveRoutes(templates: MemberTemplates): Route[] {
  return [
    route(makeLeave, ({ origin, params: { roomId, userId } }) =>
      templates.make('leave', { server: origin, roomId, userId }),
    ),
  ];
}
