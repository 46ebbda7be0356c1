import { badJson, guestAccessForbidden, invalidParam, keyTooLarge, profileTooLarge } from '@hearth/protocol/errors.ts';
import { isNamespacedIdentifier } from '@hearth/protocol/identifiers/common.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';

/** The maximum size of a profile: "The total profile MUST be under 64 KiB" (client-server API, "Profiles"). */
export const PROFILE_BYTES_MAX = 64 * 1024;
const KEY_BYTES_MAX = 255;
const DISPLAYNAME_BYTES_MAX = 512;
const AVATAR_URL_BYTES_MAX = 1_024;

/** Checks the name of a field. @throws MatrixError M_KEY_TOO_LARGE, M_INVALID_PARAM */
export function checkKeyName(keyName: string): void {
  if (Buffer.byteLength(keyName) > KEY_BYTES_MAX) throw keyTooLarge();
  if (!isNamespacedIdentifier(keyName)) throw invalidParam('The name of the profile field is not valid');
}

/** Throws if a guest changes another field than the display name (module "Guest Access"). @throws MatrixError */
export function checkGuest(caller: { readonly isGuest: boolean }, keyName: string): void {
  if (caller.isGuest && keyName !== 'displayname') throw guestAccessForbidden();
}

/** Checks a value by the rules of its field. @throws MatrixError */
export function checkValue(keyName: string, value: JsonValue): void {
  if (keyName === 'displayname') checkText(keyName, value, DISPLAYNAME_BYTES_MAX);
  if (keyName === 'm.tz') checkText(keyName, value, KEY_BYTES_MAX);
  if (keyName !== 'avatar_url') return;
  // Clients also set other URLs than mxc URIs, but display only mxc URIs.
  checkText(keyName, value, AVATAR_URL_BYTES_MAX);
}

/** Checks the size of a profile. @throws MatrixError M_PROFILE_TOO_LARGE when all fields together are too long */
export function checkSize(fields: ReadonlyMap<string, string>): void {
  let bytes = 2;
  for (const [keyName, value] of fields) bytes += Buffer.byteLength(keyName) + Buffer.byteLength(value) + 4;
  if (bytes >= PROFILE_BYTES_MAX) throw profileTooLarge();
}

function checkText(keyName: string, value: JsonValue, bytesMax: number): string {
  if (typeof value !== 'string') throw badJson(`${keyName} must be a string`);
  if (Buffer.byteLength(value) > bytesMax) throw invalidParam(`${keyName} must be at most ${bytesMax} bytes long`);
  return value;
}
