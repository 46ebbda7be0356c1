import { queryKeys } from '@hearth/api/client/keys/query.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { asStringArray } from '@hearth/protocol/json/value.ts';
import type { KeyQueries } from '../../encryption/key-query.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { Names } from '../../storage/engine/names.ts';
import { parseByUserId } from '../support/parse-by-user-id.ts';

/** Returns the route of `POST /keys/query` (client-server API, "Key management API"). */
export function keyQueryRoutes(keyQueries: KeyQueries, names: Names): Route[] {
  return [
    route(queryKeys, async ({ caller, body }) => {
      const wanted = parseByUserId(names, body.device_keys, 'device_keys', (ids, userId) => {
        const list = asStringArray(ids);
        if (list === undefined) throw badJson(`The devices of ${userId} must be a list of strings`);
        return list;
      });
      return new RawJson(await keyQueries.query(caller, wanted));
    }),
  ];
}
