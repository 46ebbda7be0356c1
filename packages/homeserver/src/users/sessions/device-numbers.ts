import { BatchCache } from '../../platform/caches/batch-cache.ts';
import { cacheBytes, textBytes } from '../../platform/caches/cache-size.ts';
import { readDevicesOfUsers } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';

const CACHED_USERS_MAX = 20_000;

/** The numbers of a user's devices, by device id. */
export type NumbersById = Map<string, number>;

/** A cache of users' devices, for messages to many devices. `sessions.ts` keeps it up to date. */
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

  /** Returns the devices of some users, with at most one query. */
  of(users: Iterable<number>): Promise<ReadonlyMap<number, ReadonlyMap<string, number>>> {
    return this.#users.many(users);
  }

  /** Adds a device that was stored. */
  added(user: number, deviceId: string, num: number): void {
    this.#users.update(user, (devices) => devices.set(deviceId, num));
  }

  /** Evicts the devices of a user after devices were removed or the account was created. */
  changed(user: number): void {
    this.#users.delete(user);
  }
}

function numbersBytes(numbers: NumbersById): number {
  let bytes = 200;
  for (const deviceId of numbers.keys()) bytes += 60 + textBytes(deviceId);
  return bytes;
}
