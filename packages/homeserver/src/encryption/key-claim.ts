import type { Names } from '../storage/engine/names.ts';
import type { DeviceNumbers } from '../users/sessions/device-numbers.ts';
import type { ClaimableKeys } from './claimable-keys.ts';

/** The algorithms of wanted one-time keys, by user id and device id. */
export type WantedKeys = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Claimed keys: the JSON text between the braces of an object by user id. */
export interface ClaimTexts {
  readonly keys: string;
}

/** Claims of one-time keys of users of this server (client-server API, `POST /keys/claim`). */
export class KeyClaims {
  readonly #names: Names;
  readonly #deviceNumbers: DeviceNumbers;
  readonly #claimableKeys: ClaimableKeys;

  constructor(names: Names, deviceNumbers: DeviceNumbers, claimableKeys: ClaimableKeys) {
    this.#names = names;
    this.#deviceNumbers = deviceNumbers;
    this.#claimableKeys = claimableKeys;
  }

  /** Claims one-time keys. */
  async claim(wanted: WantedKeys): Promise<ClaimTexts> {
    const nums = await this.#names.findAll(wanted.keys());
    const devicesOf = await this.#deviceNumbers.of(nums.values());
    const algorithms = new Map<number, string>();
    const places: { readonly userId: string; readonly deviceId: string; readonly device: number }[] = [];
    for (const [userId, user] of nums) {
      for (const [deviceId, algorithm] of wanted.get(userId) ?? []) {
        const device = devicesOf.get(user)?.get(deviceId);
        if (device === undefined) continue;
        algorithms.set(device, algorithm);
        places.push({ userId, deviceId, device });
      }
    }
    const claimed = await this.#claimableKeys.claim(algorithms);
    const users = new Map<string, string[]>();
    for (const { userId, deviceId, device } of places) {
      const key = claimed.get(device);
      if (key === undefined) continue;
      const text = `${JSON.stringify(deviceId)}:{${JSON.stringify(key.key_id)}:${key.json}}`;
      const texts = users.get(userId);
      if (texts === undefined) users.set(userId, [text]);
      else texts.push(text);
    }
    const keys = [...users].map(([userId, texts]) => `${JSON.stringify(userId)}:{${texts.join(',')}}`);
    return { keys: keys.join(',') };
  }
}
