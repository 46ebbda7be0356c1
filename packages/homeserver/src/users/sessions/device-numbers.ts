import { BatchCache } from '../../platform/caches/batch-cache.ts';
import { cacheBytes, textBytes } from '../../platform/caches/cache-size.ts';
import { readDevicesOfUsers } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';

const CACHED_USERS_MAX = 20_000;

/** The numbers of a user's devices by their ids. */
export type NumbersById = Map<string, number>;

/** Which devices users have, for those who speak to many devices at once. Kept in step by `sessions.ts`. */
export class DeviceNumbers {
  readonly #users: BatchCache<NumbersById>;

  constructor(database: Database) {
    this.#users = new BatchCache(
      CACHED_USERS_MAX,
      { bytesMax: cacheBytes(16), bytesOf: numbersBytes },
      async (users) => {
        const found = new Map<number, NumbersById>(users.map((user) => [user, new Map()]));
        for (const row of await readDevicesOfUsers(database, users))
          found.get(row.user_num)?.set(row.device_id, row.num);
        return found;
      },
    );
  }

  /** The devices of some users, with at most one query. */
  of(users: Iterable<number>): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
    return this.#users.many(users);
  }

  /** Takes over a device that has been stored. */
  added(user: number, deviceId: string, num: number): void {
    this.#users.update(user, (devices) => devices.set(deviceId, num));
  }

  /** Takes over that devices are gone, or an account came to be. */
  changed(user: number): void {
    this.#users.delete(user);
  }
}

function numbersBytes(numbers: NumbersById): number {
  let bytes = 200;
  for (const deviceId of numbers.keys()) bytes += 60 + textBytes(deviceId);
  return bytes;
}
