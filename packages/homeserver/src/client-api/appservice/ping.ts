import { pingAppservice } from '@hearth/api/client/appservice/ping.ts';
import type { ServicePings } from '../../application-services/ping.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `POST /appservice/{appserviceId}/ping` (application service API, "Pinging"). */
export function pingAppserviceRoutes(pings: ServicePings): Route[] {
  return [
    route(pingAppservice, async ({ params, caller, body }) => ({
      duration_ms: await pings.ping(params.appserviceId, caller.applicationService, body.transaction_id),
    })),
  ];
}
