import { queryLocationByAlias, queryLocationByProtocol } from '@hearth/api/client/thirdparty/location.ts';
import { getProtocolMetadata } from '@hearth/api/client/thirdparty/protocol.ts';
import { getProtocols } from '@hearth/api/client/thirdparty/protocols.ts';
import { queryUserByID, queryUserByProtocol } from '@hearth/api/client/thirdparty/user.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { RawJson, type Route, route } from '../http/route.ts';

/**
 * Returns the routes for third-party networks (client-server API, "Third-party Networks"). Without application services
 * there are none.
 */
export function thirdPartyRoutes(): Route[] {
  const unknown = () => {
    throw notFound('This server is connected to no such network');
  };
  return [
    route(getProtocols, () => ({})),
    route(getProtocolMetadata, unknown),
    route(queryLocationByProtocol, unknown),
    route(queryUserByProtocol, unknown),
    route(queryLocationByAlias, () => new RawJson('[]')),
    route(queryUserByID, () => new RawJson('[]')),
  ];
}
