import { getProtocolMetadata } from '@hearth/api/client/thirdparty/protocol.ts';
import { type Route, route } from '../../http/route.ts';
import { refuseNetwork } from '../support/refuse-network.ts';

/** Returns the route of `GET /thirdparty/protocol/{protocol}` (client-server API, "Third-party Networks"). */
export function thirdPartyProtocolRoutes(): Route[] {
  return [route(getProtocolMetadata, refuseNetwork)];
}
