import { invalidParam, notFound } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { readDeviceListPosition } from '../storage/encryption/device-lists.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Accounts } from '../users/accounts.ts';
import { loadUserKeys } from './key-directory.ts';
import type { UserKeys } from './user-keys.ts';

/** The keys of a user and the position of their last change; 0 if they have never changed. */
export interface DeviceList {
  readonly position: number;
  readonly keys: UserKeys;
}

/** The device lists of users of this server, for servers that follow their changes. */
export class DeviceListReader {
  readonly #database: Database;
  readonly #accounts: Accounts;
  readonly #serverName: string;

  constructor(database: Database, accounts: Accounts, serverName: string) {
    this.#database = database;
    this.#accounts = accounts;
    this.#serverName = serverName;
  }

  /**
   * Returns the device list of a user. Its keys may be newer than its position and are never older, because the position
   * is read first and the keys do not come from the cache. A reader that has the position therefore misses no change.
   * @throws MatrixError M_INVALID_PARAM, M_NOT_FOUND
   */
  async of(userId: string): Promise<DeviceList> {
    if (domainOf(userId) !== this.#serverName) throw invalidParam(`${userId} is not a user of this server`);
    const account = await this.#accounts.find(userId);
    if (account === undefined || account.isDeactivated) throw notFound('The user does not exist');
    const position = await readDeviceListPosition(this.#database, account.user);
    return { position, keys: await loadUserKeys(this.#database, account.user) };
  }
}
