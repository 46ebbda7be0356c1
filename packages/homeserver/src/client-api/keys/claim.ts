import { claimKeys } from '@hearth/api/client/keys/claim.ts';
import { type KeyLookup, renderClaimAnswer } from '../../encryption/key-lookup.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { Names } from '../../storage/engine/names.ts';
import { parseByUserId } from '../support/parse-by-user-id.ts';
import { parseAlgorithms } from '../support/wanted-keys.ts';

/** Returns the route of `POST /keys/claim` (client-server API, "Key management API"). */
export function keyClaimRoutes(keyLookup: KeyLookup, names: Names): Route[] {
  return [
    route(claimKeys, async ({ body }) => {
      const wanted = parseByUserId(names, body.one_time_keys, 'one_time_keys', parseAlgorithms);
      return new RawJson(renderClaimAnswer(await keyLookup.claim(wanted, body.timeout)));
    }),
  ];
}
