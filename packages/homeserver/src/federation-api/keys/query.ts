import { getKeysOfServer, queryKeysOfServers } from '@hearth/api/federation/keys/query.ts';
import type { Notary } from '../../federation/keys/notary.ts';
import { type Route, route } from '../../http/route.ts';

/**
 * Returns the routes of `GET /_matrix/key/v2/query/{serverName}` and `POST /_matrix/key/v2/query` (server-server API,
 * "Querying Keys Through Another Server").
 */
export function keyQueryRoutes(notary: Notary): Route[] {
  return [
    route(getKeysOfServer, async ({ params, query, spend }) => {
      const criteria = { server: params.serverName, keyIds: [], validUntilTs: query.minimum_valid_until_ts };
      return { server_keys: await notary.query([criteria], () => spend('server-keys', 1)) };
    }),
    route(queryKeysOfServers, async ({ body, spend }) => {
      const criteria = Object.entries(body.server_keys).map(([server, keys]) => {
        const times = Object.values(keys).flatMap((key) => key.minimum_valid_until_ts ?? []);
        const validUntilTs = times.length === 0 ? undefined : Math.max(...times);
        return { server, keyIds: Object.keys(keys), validUntilTs };
      });
      return { server_keys: await notary.query(criteria, () => spend('server-keys', 1)) };
    }),
  ];
}
