import { queryUserKeys } from '@hearth/api/federation/user/keys/query.ts';
import { parseDeviceIds, parseOwnUsers } from '../../../client-api/support/wanted-keys.ts';
import type { KeyQueries } from '../../../encryption/key-query.ts';
import { RawJson, type Route, route } from '../../../http/route.ts';

/** Returns the route of `POST /user/keys/query` (server-server API, "End-to-End Encryption"). */
export function userKeyQueryRoutes(keyQueries: KeyQueries, serverName: string, showsDeviceNames: boolean): Route[] {
  const reader = { user: undefined, showsDeviceNames };
  return [
    route(queryUserKeys, async ({ body }) => {
      const wanted = parseOwnUsers(body.device_keys, serverName, parseDeviceIds);
      const { devices, masters, selfSigning } = await keyQueries.query(reader, wanted);
      const crossSigning = `"master_keys":{${masters}},"self_signing_keys":{${selfSigning}}`;
      return new RawJson(`{"device_keys":{${devices}},${crossSigning}}`);
    }),
  ];
}
