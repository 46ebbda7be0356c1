import { queryLocationByAlias, queryLocationByProtocol } from '@hearth/api/client/thirdparty/location.ts';
import type { ThirdPartyNetworks } from '../../application-services/third-party-networks.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { fieldsIn } from '../support/network-fields.ts';

/**
 * Returns the routes of `GET /thirdparty/location/{protocol}` and `GET /thirdparty/location` (client-server API,
 * "Third-party Networks").
 */
export function thirdPartyLocationRoutes(networks: ThirdPartyNetworks): Route[] {
  return [
    route(
      queryLocationByProtocol,
      async ({ params, query }) =>
        new RawJson(JSON.stringify(await networks.search('location', params.protocol, fieldsIn(query)))),
    ),
    route(
      queryLocationByAlias,
      async ({ query }) => new RawJson(JSON.stringify(await networks.reverse('location', query.alias))),
    ),
  ];
}
