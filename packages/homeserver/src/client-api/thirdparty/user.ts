import { queryUserByID, queryUserByProtocol } from '@hearth/api/client/thirdparty/user.ts';
import type { ThirdPartyNetworks } from '../../application-services/third-party-networks.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { fieldsIn } from '../support/network-fields.ts';

/**
 * Returns the routes of `GET /thirdparty/user/{protocol}` and `GET /thirdparty/user` (client-server API, "Third-party
 * Networks").
 */
export function thirdPartyUserRoutes(networks: ThirdPartyNetworks): Route[] {
  return [
    route(
      queryUserByProtocol,
      async ({ params, query }) =>
        new RawJson(JSON.stringify(await networks.search('user', params.protocol, fieldsIn(query)))),
    ),
    route(
      queryUserByID,
      async ({ query }) => new RawJson(JSON.stringify(await networks.reverse('user', query.userid))),
    ),
  ];
}
