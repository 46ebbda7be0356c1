import { claimKeys } from '@hearth/api/client/keys/claim.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { isObject } from '@hearth/protocol/json/value.ts';
import type { KeyClaims } from '../../encryption/key-claim.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { Names } from '../../storage/engine/names.ts';
import { parseByUserId } from '../support/parse-by-user-id.ts';

/** Returns the route of `POST /keys/claim` (client-server API, "Key management API"). */
export function keyClaimRoutes(keyClaims: KeyClaims, names: Names): Route[] {
  return [
    route(claimKeys, async ({ body }) => {
      const wanted = parseByUserId(names, body.one_time_keys, 'one_time_keys', parseAlgorithms);
      return new RawJson(await keyClaims.claim(wanted));
    }),
  ];
}

function parseAlgorithms(devices: unknown, userId: string): Map<string, string> {
  if (!isObject(devices)) throw badJson(`The devices of ${userId} must be an object`);
  const algorithms = new Map<string, string>();
  for (const [deviceId, algorithm] of Object.entries(devices)) {
    if (typeof algorithm !== 'string') throw badJson(`The algorithm for a device of ${userId} must be a string`);
    algorithms.set(deviceId, algorithm);
  }
  return algorithms;
}
