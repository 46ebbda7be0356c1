import { getProtocolMetadata } from '@hearth/api/client/thirdparty/protocol.ts';
import type { ThirdPartyNetworks } from '../../application-services/third-party-networks.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /thirdparty/protocol/{protocol}` (client-server API, "Third-party Networks"). */
export function thirdPartyProtocolRoutes(networks: ThirdPartyNetworks): Route[] {
  return [route(getProtocolMetadata, ({ params }) => networks.protocol(params.protocol))];
}
