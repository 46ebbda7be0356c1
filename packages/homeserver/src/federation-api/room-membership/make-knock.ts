import { makeKnock } from '@hearth/api/federation/room-membership/make-knock.ts';
import { type Route, route } from '../../http/route.ts';
import type { MemberTemplates } from '../../rooms/serving/member-templates.ts';

/** Returns the route of `GET /make_knock/{roomId}/{userId}` (server-server API, "Knocking upon a room"). */
export function makeKnockRoutes(templates: MemberTemplates): Route[] {
  return [
    route(makeKnock, ({ origin, params: { roomId, userId }, query: { ver } }) =>
      templates.make('knock', { server: origin, roomId, userId, versions: ver }),
    ),
  ];
}
