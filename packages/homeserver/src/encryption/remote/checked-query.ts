import { asString, isObject, type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { KeyUsage } from '../../storage/encryption/cross-signing.ts';
import type { KeyTexts, WantedDevices } from '../key-query.ts';
import { checkCrossSigningKey, checkDeviceKeys, signaturesBy, withSignatures } from '../signed-keys.ts';
import { isAccepted } from './is-accepted.ts';

/**
 * Checks the answer of a server to a query of keys. Keys that are malformed, that name another user or device, or that
 * nobody asked for are left out, and so are signatures of other users.
 * @throws FederationError if the answer has no keys
 */
export function checkedQuery(answer: JsonObject, wanted: WantedDevices): KeyTexts {
  const devices = answer.device_keys;
  if (!isObject(devices)) throw new FederationError('refused', 'the answer has no device_keys');
  const texts = { devices: [] as string[], masters: [] as string[], selfSigning: [] as string[] };
  for (const [userId, deviceIds] of wanted) {
    const name = JSON.stringify(userId);
    const own = member(devices, userId);
    if (isObject(own)) texts.devices.push(`${name}:${devicesText(own, userId, deviceIds)}`);
    const master = crossSigningText(answer.master_keys, userId, 'master');
    if (master !== undefined) texts.masters.push(`${name}:${master}`);
    const selfSigning = crossSigningText(answer.self_signing_keys, userId, 'self_signing');
    if (selfSigning !== undefined) texts.selfSigning.push(`${name}:${selfSigning}`);
  }
  const { masters, selfSigning } = texts;
  return {
    devices: texts.devices.join(','),
    masters: masters.join(','),
    selfSigning: selfSigning.join(','),
    userSigning: '',
  };
}

function devicesText(devices: JsonObject, userId: string, deviceIds: readonly string[]): string {
  const wanted = deviceIds.length === 0 ? Object.keys(devices) : new Set(deviceIds);
  const texts: string[] = [];
  for (const deviceId of wanted) {
    const keys = deviceKeys(member(devices, deviceId), userId);
    if (keys !== undefined && isAccepted(() => checkDeviceKeys(keys, { userId, deviceId })))
      texts.push(`${JSON.stringify(deviceId)}:${JSON.stringify(keys)}`);
  }
  return `{${texts.join(',')}}`;
}

function crossSigningText(keys: JsonValue | undefined, userId: string, usage: KeyUsage): string | undefined {
  const key = withOwnSignatures(isObject(keys) ? member(keys, userId) : undefined, userId);
  const isValid = key !== undefined && isAccepted(() => checkCrossSigningKey(key, userId, usage));
  return isValid ? JSON.stringify(key) : undefined;
}

/** Returns the keys of a device with the signatures of its owner only, and with the name of the device if it has one. */
function deviceKeys(keys: JsonValue | undefined, userId: string): JsonObject | undefined {
  const signed = withOwnSignatures(keys, userId);
  const unsigned = isObject(keys) ? member(keys, 'unsigned') : undefined;
  const name = isObject(unsigned) ? asString(member(unsigned, 'device_display_name')) : undefined;
  return signed === undefined || name === undefined ? signed : { ...signed, unsigned: { device_display_name: name } };
}

/** Returns a key with the signatures of its owner only. */
function withOwnSignatures(key: JsonValue | undefined, userId: string): JsonObject | undefined {
  if (!isObject(key)) return undefined;
  const signatures = Object.entries(signaturesBy(key, userId)).filter(([, value]) => typeof value === 'string');
  return withSignatures(key, userId, Object.fromEntries(signatures));
}
