import type { Names } from '../storage/engine/names.ts';
import type { DeviceNumbers } from '../users/sessions/device-numbers.ts';
import type { ClaimableKeys } from './claimable-keys.ts';
import { byServer } from './key-query.ts';

/** Claims of one-time keys (client-server API, `POST /keys/claim`). */
export class KeyClaims {
  readonly #names: Names;
  readonly #deviceNumbers: DeviceNumbers;
  readonly #claimableKeys: ClaimableKeys;
  readonly #serverName: string;

  constructor(names: Names, deviceNumbers: DeviceNumbers, claimableKeys: ClaimableKeys, serverName: string) {
    this.#names = names;
    this.#deviceNumbers = deviceNumbers;
    this.#claimableKeys = claimableKeys;
    this.#serverName = serverName;
  }

  /** Claims one-time keys. Returns the answer as JSON text. @param wanted the algorithm by user id and device id */
  async claim(wanted: ReadonlyMap<string, ReadonlyMap<string, string>>): Promise<string> {
    const { local, failures } = byServer(wanted.keys(), this.#serverName);
    const nums = await this.#names.findAll(local);
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
    return `{"one_time_keys":{${keys.join(',')}},"failures":${JSON.stringify(failures)}}`;
  }
}
