import { asString, isObject, type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';
import { textBytes } from '../platform/caches/cache-size.ts';
import { type CrossSigningKeyRow, KEY_USAGES, type KeyUsage } from '../storage/encryption/cross-signing.ts';
import type { DeviceKeysRow } from '../storage/encryption/device-keys.ts';
import { type Signer, signerOf } from './signed-keys.ts';

/** The cached public keys of one user. A change replaces the object. */
export class UserKeys {
  readonly #devices = new Map<string, DeviceKeysRow>();
  readonly #crossSigning = new Map<KeyUsage, string>();
  #allDevicesText: string | undefined;
  #identityKeys: ReadonlySet<string | undefined> | undefined;
  #bytes = 200;

  /** An estimate of the memory of all keys, which are also part of the cached answer. */
  get bytes(): number {
    return this.#bytes;
  }

  addDevice(row: DeviceKeysRow): void {
    this.#bytes += 200 + 2 * textBytes(row.json);
    this.#devices.set(row.device_id, row);
  }

  addCrossSigningKey({ key_usage, json }: CrossSigningKeyRow): void {
    const usage = KEY_USAGES[key_usage];
    if (usage !== undefined) this.#crossSigning.set(usage, json);
    this.#bytes += textBytes(json);
  }

  /**
   * Returns the keys of devices in the form for others: the JSON text of an object by device id.
   * @param deviceIds the wanted devices; no ids stand for all devices
   */
  devicesText(deviceIds: readonly string[], showsNames: boolean): string {
    if (deviceIds.length > 0 || !showsNames) return this.#textOf(deviceIds, showsNames);
    this.#allDevicesText ??= this.#textOf(deviceIds, showsNames);
    return this.#allDevicesText;
  }

  /** The devices with their keys. */
  get devices(): Iterable<DeviceKeysRow> {
    return this.#devices.values();
  }

  #textOf(deviceIds: readonly string[], showsNames: boolean): string {
    const wanted = deviceIds.length === 0 ? this.#devices.keys() : new Set(deviceIds);
    const texts: string[] = [];
    for (const id of wanted) {
      const row = this.#devices.get(id);
      if (row !== undefined) texts.push(`${JSON.stringify(id)}:${showsNames ? shownText(row) : row.json}`);
    }
    return `{${texts.join(',')}}`;
  }

  /** Returns the keys of a device as a new object. */
  device(deviceId: string): { readonly device: number; readonly keys: JsonObject } | undefined {
    const row = this.#devices.get(deviceId);
    return row === undefined ? undefined : { device: row.device, keys: parseKey(row.json) };
  }

  /** Returns the signing key of a device. */
  deviceSigner(deviceId: string): Signer | undefined {
    const keyId = `ed25519:${deviceId}`;
    const keys = this.device(deviceId)?.keys.keys;
    const publicKey = isObject(keys) ? member(keys, keyId) : undefined;
    return typeof publicKey === 'string' ? { keyId, publicKey } : undefined;
  }

  hasDevice(deviceId: string): boolean {
    return this.#devices.has(deviceId);
  }

  /** Returns whether a device has a Curve25519 identity key. */
  hasIdentityKey(key: string): boolean {
    this.#identityKeys ??= new Set(Array.from(this.#devices.values(), identityKeyOf));
    return this.#identityKeys.has(key);
  }

  get hasCrossSigning(): boolean {
    return this.#crossSigning.size > 0;
  }

  /** Returns a cross-signing key as JSON text. */
  crossSigningText(usage: KeyUsage): string | undefined {
    return this.#crossSigning.get(usage);
  }

  /** Returns a cross-signing key as a new object. */
  crossSigningKey(usage: KeyUsage): JsonObject | undefined {
    const text = this.#crossSigning.get(usage);
    return text === undefined ? undefined : parseKey(text);
  }

  /** Returns the public key of a cross-signing key. */
  crossSigner(usage: KeyUsage): Signer | undefined {
    const key = this.crossSigningKey(usage);
    return key === undefined ? undefined : signerOf(key);
  }
}

function identityKeyOf({ device_id, json }: DeviceKeysRow): string | undefined {
  const { keys } = parseKey(json);
  return isObject(keys) ? asString(member(keys, `curve25519:${device_id}`)) : undefined;
}

/** Adds the display name of the device, which is not signed, to its keys. */
function shownText({ json, display_name }: DeviceKeysRow): string {
  if (display_name === null) return json;
  return `${json.slice(0, -1)},"unsigned":{"device_display_name":${JSON.stringify(display_name)}}}`;
}

/** Parses a stored key, which was checked before it was stored. */
export function parseKey(text: string): JsonObject {
  const value = JSON.parse(text) as JsonValue;
  if (!isObject(value)) throw new Error('a stored key is no object');
  return value;
}
