import { invalidParam, notFound } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { readDeviceListStreamId } from '../storage/encryption/outgoing-device-lists.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Accounts } from '../users/accounts.ts';
import { loadUserKeys } from './key-directory.ts';
import type { UserKeys } from './user-keys.ts';

/** The keys of a user and the stream id of the last device list update; 0 if there was none. */
export interface DeviceList {
  readonly streamId: number;
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
   * Returns the device list of a user. Its keys may be newer than its stream id and are never older, because the stream id
   * is read first and the keys do not come from the cache. A server that has the list and gets the updates after this
   * stream id therefore misses no change.
   * @throws MatrixError M_INVALID_PARAM, M_NOT_FOUND
   */
  async of(userId: string): Promise<DeviceList> {
    if (domainOf(userId) !== this.#serverName) throw invalidParam(`${userId} is not a user of this server`);
    const account = await this.#accounts.find(userId);
    if (account === undefined || account.isDeactivated) throw notFound('The user does not exist');
    const streamId = await readDeviceListStreamId(this.#database, account.user);
    return { streamId, keys: await loadUserKeys(this.#database, account.user) };
  }
}
