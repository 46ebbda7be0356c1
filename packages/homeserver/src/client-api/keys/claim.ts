import { claimKeys } from '@hearth/api/client/keys/claim.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { isObject } from '@hearth/protocol/json/value.ts';
import { claimKeys as claim, type KeyClaimDeps } from '../../encryption/key-claim.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { byUserId } from '../support/by-user-id.ts';

/** Returns the route of `POST /keys/claim` (client-server API, "Key management API"). */
export function keyClaimRoutes(deps: KeyClaimDeps): Route[] {
  return [
    route(claimKeys, async ({ body }) => {
      const wanted = byUserId(deps.names, body.one_time_keys, 'one_time_keys', algorithmsOf);
      return new RawJson(await claim(deps, wanted));
    }),
  ];
}

function algorithmsOf(devices: unknown, userId: string): Map<string, string> {
  if (!isObject(devices)) throw badJson(`The devices of ${userId} must be an object`);
  const algorithms = new Map<string, string>();
  for (const [deviceId, algorithm] of Object.entries(devices)) {
    if (typeof algorithm !== 'string') throw badJson(`The algorithm for a device of ${userId} must be a text`);
    algorithms.set(deviceId, algorithm);
  }
  return algorithms;
}
