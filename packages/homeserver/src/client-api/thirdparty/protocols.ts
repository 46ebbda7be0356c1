import { getProtocols } from '@hearth/api/client/thirdparty/protocols.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /thirdparty/protocols` (client-server API, "Third-party Networks"). */
export function thirdPartyProtocolsRoutes(): Route[] {
  return [route(getProtocols, () => ({}))];
}
