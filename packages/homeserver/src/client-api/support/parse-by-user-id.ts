import { badJson } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Names } from '../../storage/engine/names.ts';

/** Parses the values of an object whose members are named by user ids. @throws MatrixError M_BAD_JSON */
export function parseByUserId<T>(
  names: Names,
  object: JsonObject,
  name: string,
  read: (value: unknown, userId: string) => T,
): Map<string, T> {
  const found = new Map<string, T>();
  for (const [userId, value] of Object.entries(object)) {
    // A cached name was parsed before, so it needs no check.
    if (names.cachedNum(userId) === undefined && parseUserId(userId) === undefined)
      throw badJson(`${name} has a key that is not a user id`);
    found.set(userId, read(value, userId));
  }
  return found;
}
