import { forbidden, invalidParam, notFound } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { Account, Accounts } from './accounts.ts';
import { isLocal } from './registration/usernames.ts';

/** The accounts that administrators may read and change through the endpoints of the specification. */
export class AdminView {
  readonly #accounts: Accounts;
  readonly #server: ServerName;

  constructor(accounts: Accounts, server: ServerName) {
    this.#accounts = accounts;
    this.#server = server;
  }

  /** Returns an account of this server, whatever its state. @throws MatrixError M_INVALID_PARAM, M_NOT_FOUND */
  async localAccount(userId: string): Promise<Account> {
    if (!isLocal(userId, this.#server)) throw invalidParam('The user does not belong to this server');
    const account = await this.#accounts.find(userId);
    if (account === undefined) throw notFound('The user does not exist');
    return account;
  }

  /** Returns an account whose lock or suspension may be read. @throws MatrixError */
  async target(userId: string): Promise<Account> {
    const account = await this.localAccount(userId);
    if (account.isDeactivated) throw notFound('The user does not exist');
    return account;
  }

  /** Returns an account that may be locked or suspended, which administrators may not. @throws MatrixError */
  async targetForChange(userId: string): Promise<Account> {
    const account = await this.target(userId);
    if (account.isAdmin) throw forbidden('Administrators cannot be locked or suspended');
    return account;
  }
}
