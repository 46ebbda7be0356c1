import { onBindThirdPartyIdentifier } from '@hearth/api/federation/room-membership/onbind.ts';
import { type Route, route } from '../../http/route.ts';
import type { ThirdPartyInvites } from '../../rooms/serving/third-party-invites.ts';

/** Returns the route of `PUT /3pid/onbind` (server-server API, "Third-party invites"). */
export function onBindRoutes(invites: ThirdPartyInvites): Route[] {
  return [
    route(onBindThirdPartyIdentifier, async ({ body }) => {
      await invites.bound(body.mxid, body.invites);
      return {};
    }),
  ];
}
