import { getProtocols } from '@hearth/api/client/thirdparty/protocols.ts';
import type { ThirdPartyNetworks } from '../../application-services/third-party-networks.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /thirdparty/protocols` (client-server API, "Third-party Networks"). */
export function thirdPartyProtocolsRoutes(networks: ThirdPartyNetworks): Route[] {
  return [route(getProtocols, () => networks.protocols())];
}
