import { asString, isObject, type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';
import { sanitiseText } from '../../platform/sanitise-text.ts';
import type { KeyUsage } from '../../storage/encryption/cross-signing.ts';
import { checkCrossSigningKey, checkDeviceKeys, signaturesBy, withSignatures } from '../signed-keys.ts';
import { isAccepted } from './is-accepted.ts';

const NAME_LENGTH_MAX = 256;

/**
 * Returns the keys of a device with the signatures of its owner only and without its name; undefined if they are
 * malformed or of another user or device.
 */
export function checkedDeviceKeys(
  keys: JsonValue | undefined,
  userId: string,
  deviceId: string,
): JsonObject | undefined {
  const own = withOwnSignatures(keys, userId);
  if (own === undefined) return undefined;
  // Keys that nobody has signed are passed on as well, because clients verify the signatures.
  const signed = own.signatures === undefined ? { ...own, signatures: {} } : own;
  return isAccepted(() => checkDeviceKeys(signed, { userId, deviceId })) ? signed : undefined;
}

/** Returns the name of a device in a form that can be stored. A name that is too long is cut off. */
export function checkedName(value: JsonValue | undefined): string | undefined {
  const name = asString(value);
  return name === undefined ? undefined : sanitiseText(name, NAME_LENGTH_MAX);
}

/** Returns the name of a device that its keys contain. */
export function deviceName(keys: JsonValue | undefined): string | undefined {
  const unsigned = isObject(keys) ? member(keys, 'unsigned') : undefined;
  return isObject(unsigned) ? checkedName(member(unsigned, 'device_display_name')) : undefined;
}

/** Returns a cross-signing key with the signatures of its owner only; undefined if it is malformed. */
export function checkedCrossSigningKey(
  value: JsonValue | undefined,
  userId: string,
  usage: KeyUsage,
): JsonObject | undefined {
  const key = withOwnSignatures(value, userId);
  const isValid = key !== undefined && isAccepted(() => checkCrossSigningKey(key, userId, usage));
  return isValid ? key : undefined;
}

/** Returns a key with the signatures of its owner only. */
function withOwnSignatures(key: JsonValue | undefined, userId: string): JsonObject | undefined {
  if (!isObject(key)) return undefined;
  const signatures = Object.entries(signaturesBy(key, userId)).filter(([, value]) => typeof value === 'string');
  return withSignatures(key, userId, Object.fromEntries(signatures));
}
