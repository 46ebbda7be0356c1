import { getKeysChanges } from '@hearth/api/client/keys/changes.ts';
import { claimKeys } from '@hearth/api/client/keys/claim.ts';
import { queryKeys } from '@hearth/api/client/keys/query.ts';
import { uploadKeys } from '@hearth/api/client/keys/upload.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { asStringArray, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { claimKeys as claim, type KeyClaimDeps } from '../../encryption/key-claim.ts';
import { type KeyQueryDeps, queryKeys as query } from '../../encryption/key-query.ts';
import type { KeyUpload } from '../../encryption/key-upload.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { type DeviceListDeps, deviceListNews } from '../../sync/device-lists.ts';
import { parseSyncToken } from '../../timeline/position.ts';

export interface DeviceKeyRouteDeps extends KeyQueryDeps, KeyClaimDeps, DeviceListDeps {
  readonly names: KeyQueryDeps['names'];
  readonly serverName: string;
  readonly keyDirectory: KeyQueryDeps['keyDirectory'];
  readonly keyUpload: KeyUpload;
  readonly stream: Stream;
}

/** Returns the routes for public keys of devices (client-server API, "Key management API"). */
export function deviceKeyRoutes(deps: DeviceKeyRouteDeps): Route[] {
  return [
    route(uploadKeys, async ({ caller, body }) => {
      const counts = await deps.keyUpload.upload(caller, {
        deviceKeys: body.device_keys,
        oneTimeKeys: body.one_time_keys,
        fallbackKeys: body.fallback_keys ?? body['org.matrix.msc2732.fallback_keys'],
      });
      return { one_time_key_counts: counts };
    }),
    route(queryKeys, async ({ caller, body }) => {
      const wanted = byUser(deps, body.device_keys, 'device_keys', (ids, userId) => {
        const list = asStringArray(ids);
        if (list === undefined) throw badJson(`The devices of ${userId} must be a list of texts`);
        return list;
      });
      return new RawJson(await query(deps, caller, wanted));
    }),
    route(claimKeys, async ({ body }) => {
      const wanted = byUser(deps, body.one_time_keys, 'one_time_keys', algorithmsOf);
      return new RawJson(await claim(deps, wanted));
    }),
    route(getKeysChanges, async ({ caller, query: { from, to } }) => {
      const since = parseSyncToken(from, 'from').position;
      const upTo = Math.min(parseSyncToken(to, 'to').position, deps.stream.current);
      const rows = await deps.userRooms.of(caller.user);
      const { changed, left } = await deviceListNews(deps, caller.user, rows, { since, upTo });
      const ids = await deps.names.texts([...changed, ...left]);
      const list = (users: ReadonlySet<number>) => [...users].map((user) => ids.get(user) ?? '');
      return { changed: list(changed), left: list(left) };
    }),
  ];
}

/** Reads an object by user id. @throws MatrixError M_BAD_JSON */
function byUser<T>(
  { names }: Pick<DeviceKeyRouteDeps, 'names'>,
  object: JsonObject,
  name: string,
  read: (value: unknown, userId: string) => T,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const [userId, value] of Object.entries(object)) {
    // A cached name was parsed before, so it needs no check.
    if (names.cachedNum(userId) === undefined && parseUserId(userId) === undefined)
      throw badJson(`${name} has a name that is no user id`);
    found.set(userId, read(value, userId));
  }
  return found;
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
