import { renewPeekOverFederation } from '@hearth/api/federation/peek/renew.ts';
import { type Route, route } from '../../http/route.ts';
import type { ServedPeeks } from '../../rooms/peeking/served-peeks.ts';

/** Returns the route of `POST /peek/{roomId}/{peekId}/renew` (MSC2444). */
export function renewPeekRoutes(peeks: ServedPeeks): Route[] {
  return [
    route(renewPeekOverFederation, async ({ origin, params }) => ({
      renewal_interval: await peeks.renew({ server: origin, ...params }),
    })),
  ];
}
