import { badJson, invalidParam } from '@hearth/protocol/errors.ts';
import { serverOf } from '@hearth/protocol/identifiers/server-of.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { asStringArray, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';

/** Users in one request of another server; clients ask for fewer at once. */
const USERS_MAX = 1_000;
/** Devices in one request of another server, of all users together. */
const DEVICES_MAX = 10_000;

/** Parses the wanted devices of a user in a query of keys. @throws MatrixError M_BAD_JSON */
export function parseDeviceIds(ids: unknown, userId: string): readonly string[] {
  const list = asStringArray(ids);
  if (list === undefined) throw badJson(`The devices of ${userId} must be a list of strings`);
  return list;
}

/** Parses the algorithm of each wanted device of a user in a claim of keys. @throws MatrixError M_BAD_JSON */
export function parseAlgorithms(devices: unknown, userId: string): ReadonlyMap<string, string> {
  if (!isObject(devices)) throw badJson(`The devices of ${userId} must be an object`);
  const algorithms = new Map<string, string>();
  for (const [deviceId, algorithm] of Object.entries(devices)) {
    if (typeof algorithm !== 'string') throw badJson(`The algorithm for a device of ${userId} must be a string`);
    algorithms.set(deviceId, algorithm);
  }
  return algorithms;
}

/**
 * Parses the values of an object that another server has sent, and whose members are named by users of this server.
 * @throws MatrixError M_BAD_JSON for a malformed value, M_INVALID_PARAM for users of other servers or too many devices
 */
export function parseOwnUsers<T extends { readonly length: number } | { readonly size: number }>(
  object: JsonObject,
  serverName: string,
  read: (value: unknown, userId: string) => T,
): ReadonlyMap<string, T> {
  const entries = Object.entries(object);
  if (entries.length > USERS_MAX) throw invalidParam(`A request may ask for at most ${USERS_MAX} users`);
  const found = new Map<string, T>();
  let devices = 0;
  for (const [userId, value] of entries) {
    const parsed = parseUserId(userId);
    if (parsed === undefined) throw badJson('The users must be named by user ids');
    if (serverOf(parsed) !== serverName) throw invalidParam(`${userId} is not a user of this server`);
    const wanted = read(value, userId);
    devices += 'size' in wanted ? wanted.size : wanted.length;
    if (devices > DEVICES_MAX) throw invalidParam(`A request may ask for at most ${DEVICES_MAX} devices`);
    found.set(userId, wanted);
  }
  return found;
}
