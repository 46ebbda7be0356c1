import { makeJoin } from '@hearth/api/federation/room-membership/make-join.ts';
import { type Route, route } from '../../http/route.ts';
import type { MemberTemplates } from '../../rooms/serving/member-templates.ts';

/** Returns the route of `GET /make_join/{roomId}/{userId}` (server-server API, "Joining Rooms"). */
export function makeJoinRoutes(templates: MemberTemplates): Route[] {
  return [
    route(makeJoin, ({ origin, params: { roomId, userId }, query: { ver } }) =>
      templates.make('join', { server: origin, roomId, userId, versions: ver ?? ['1'] }),
    ),
  ];
}
