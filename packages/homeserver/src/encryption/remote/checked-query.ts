import { isObject, type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { KeyUsage } from '../../storage/encryption/cross-signing.ts';
import type { KeyTexts, WantedDevices } from '../key-query.ts';
import { checkedCrossSigningKey, checkedDeviceKeys, deviceName } from './checked-keys.ts';

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
    const given = member(devices, deviceId);
    const keys = checkedDeviceKeys(given, userId, deviceId);
    const name = deviceName(given);
    if (keys === undefined) continue;
    const shown = name === undefined ? keys : { ...keys, unsigned: { device_display_name: name } };
    texts.push(`${JSON.stringify(deviceId)}:${JSON.stringify(shown)}`);
  }
  return `{${texts.join(',')}}`;
}

function crossSigningText(keys: JsonValue | undefined, userId: string, usage: KeyUsage): string | undefined {
  const key = checkedCrossSigningKey(isObject(keys) ? member(keys, userId) : undefined, userId, usage);
  return key === undefined ? undefined : JSON.stringify(key);
}
