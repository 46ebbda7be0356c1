import { queryUserByID, queryUserByProtocol } from '@hearth/api/client/thirdparty/user.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { refuseNetwork } from '../support/refuse-network.ts';

/**
 * Returns the routes of `GET /thirdparty/user/{protocol}` and `GET /thirdparty/user` (client-server API, "Third-party
 * Networks").
 */
export function thirdPartyUserRoutes(): Route[] {
  return [route(queryUserByProtocol, refuseNetwork), route(queryUserByID, () => new RawJson('[]'))];
}
