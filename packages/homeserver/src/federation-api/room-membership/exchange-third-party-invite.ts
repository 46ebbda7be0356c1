import { exchangeThirdPartyInvite } from '@hearth/api/federation/room-membership/exchange-third-party-invite.ts';
import { type Route, route } from '../../http/route.ts';
import type { ThirdPartyInvites } from '../../rooms/serving/third-party-invites.ts';

/** Returns the route of `PUT /exchange_third_party_invite/{roomId}` (server-server API, "Third-party invites"). */
export function exchangeThirdPartyInviteRoutes(invites: ThirdPartyInvites): Route[] {
  return [
    route(exchangeThirdPartyInvite, async ({ origin, params, body }) => {
      await invites.exchange(origin, params.roomId, body);
      return {};
    }),
  ];
}
