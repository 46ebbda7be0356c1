import { queryLocationByAlias, queryLocationByProtocol } from '@hearth/api/client/thirdparty/location.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { refuseNetwork } from '../support/refuse-network.ts';

/**
 * Returns the routes of `GET /thirdparty/location/{protocol}` and `GET /thirdparty/location` (client-server API,
 * "Third-party Networks").
 */
export function thirdPartyLocationRoutes(): Route[] {
  return [route(queryLocationByProtocol, refuseNetwork), route(queryLocationByAlias, () => new RawJson('[]'))];
}
