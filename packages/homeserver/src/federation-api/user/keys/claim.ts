import { claimUserKeys } from '@hearth/api/federation/user/keys/claim.ts';
import { parseAlgorithms, parseOwnUsers } from '../../../client-api/support/wanted-keys.ts';
import type { KeyClaims } from '../../../encryption/key-claim.ts';
import { RawJson, type Route, route } from '../../../http/route.ts';

/** Returns the route of `POST /user/keys/claim` (server-server API, "End-to-End Encryption"). */
export function userKeyClaimRoutes(keyClaims: KeyClaims, serverName: string): Route[] {
  return [
    route(claimUserKeys, async ({ body }) => {
      const wanted = parseOwnUsers(body.one_time_keys, serverName, parseAlgorithms);
      const { keys } = await keyClaims.claim(wanted);
      return new RawJson(`{"one_time_keys":{${keys}}}`);
    }),
  ];
}
