import { queryKeys } from '@hearth/api/client/keys/query.ts';
import { type KeyLookup, renderQueryAnswer } from '../../encryption/key-lookup.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { Names } from '../../storage/engine/names.ts';
import { parseByUserId } from '../support/parse-by-user-id.ts';
import { parseDeviceIds } from '../support/wanted-keys.ts';

/** Returns the route of `POST /keys/query` (client-server API, "Key management API"). */
export function keyQueryRoutes(keyLookup: KeyLookup, names: Names): Route[] {
  return [
    route(queryKeys, async ({ caller, body }) => {
      const wanted = parseByUserId(names, body.device_keys, 'device_keys', parseDeviceIds);
      return new RawJson(renderQueryAnswer(await keyLookup.query(caller, wanted, body.timeout)));
    }),
  ];
}
