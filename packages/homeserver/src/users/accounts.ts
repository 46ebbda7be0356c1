import { userInUse } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import {
  type AccountRow,
  hasPeople,
  insertAccount,
  readAccount,
  readGuests,
  setDeactivated,
  setLocked,
  setPasswordHash,
  setSuspended,
  upgradeGuestAccount,
} from '../storage/accounts/accounts.ts';
import { setProfileField } from '../storage/accounts/profiles.ts';
import { type Database, Fenced, type Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Passwords } from './credentials/passwords.ts';
import { localpartOf } from './registration/usernames.ts';

/** An account of this server. */
export interface Account {
  readonly user: number;
  readonly userId: string;
  readonly hasPassword: boolean;
  readonly isAdmin: boolean;
  readonly isGuest: boolean;
  readonly isDeactivated: boolean;
  readonly isLocked: boolean;
  readonly isSuspended: boolean;
  /** The type that an administrator or the server has given to the account. */
  readonly userType: string | null;
}

export interface AccountOptions {
  readonly password?: string | undefined;
  readonly userType?: string | undefined;
  readonly isAdmin?: boolean;
  readonly isGuest?: boolean;
  /** The initial display name instead of the localpart. Guests have none. */
  readonly displayName?: string | undefined;
  /** Guards that are checked first in the same transaction. */
  readonly guards?: readonly Write[];
}

const UNRESTRICTED = { isDeactivated: false, isLocked: false, isSuspended: false } as const;

/** The accounts of this server, without their sessions. */
export class Accounts {
  readonly #database: Database;
  readonly #names: Names;
  readonly #passwords: Passwords;
  readonly #clock: Clock;

  constructor(database: Database, names: Names, passwords: Passwords, clock: Clock) {
    this.#database = database;
    this.#names = names;
    this.#passwords = passwords;
    this.#clock = clock;
  }

  /** Returns whether a person has an account. Accounts of application services and of the server itself do not count. */
  havePeople(): Promise<boolean> {
    return hasPeople(this.#database);
  }

  /** Returns the account of a user id, also if it is deactivated. */
  async find(userId: string): Promise<Account | undefined> {
    const user = await this.#names.find(userId);
    const row = user === undefined ? undefined : await readAccount(this.#database, user);
    return row === undefined ? undefined : present(userId, row);
  }

  /**
   * Returns the account of a user id, also one that is created because of this request.
   * @param creates returns whether an application service has created a user who did not exist
   */
  async findOrCreate(userId: string, creates: (userId: string) => Promise<boolean>): Promise<Account | undefined> {
    const account = await this.find(userId);
    return account === undefined && (await creates(userId)) ? this.find(userId) : account;
  }

  /** Returns the users among the given ones who are guests. */
  guestsAmong(users: readonly number[]): Promise<number[]> {
    return readGuests(this.#database, users);
  }

  /**
   * Creates an account.
   * @throws MatrixError M_USER_IN_USE
   */
  async create(userId: string, options: AccountOptions): Promise<Account> {
    const { userType = null, isAdmin = false, isGuest = false, displayName = localpartOf(userId) } = options;
    const passwordHash = await this.#hash(options.password);
    const user = await this.#names.reserve(userId);
    const created = this.#clock.now();
    const account = insertAccount({ user, passwordHash, userType, isAdmin, isGuest, created });
    const profile =
      isGuest || displayName === '' ? [] : [setProfileField(user, 'displayname', JSON.stringify(displayName))];
    await this.#commitAccount([...(options.guards ?? []), ...this.#names.inserts(user), account, ...profile]);
    return { user, userId, hasPassword: passwordHash !== null, isAdmin, isGuest, userType, ...UNRESTRICTED };
  }

  /**
   * Turns a guest's account into that of a member.
   * @throws MatrixError M_USER_IN_USE when the account is no longer that of a guest
   */
  async upgradeGuest(
    { user, userId }: { readonly user: number; readonly userId: string },
    { password, isAdmin = false, guards = [] }: AccountOptions,
  ): Promise<Account> {
    const passwordHash = await this.#hash(password);
    await this.#commitAccount([...guards, upgradeGuestAccount(user, passwordHash, isAdmin)]);
    return {
      user,
      userId,
      hasPassword: passwordHash !== null,
      isAdmin,
      isGuest: false,
      userType: null,
      ...UNRESTRICTED,
    };
  }

  async #hash(password: string | undefined): Promise<string | null> {
    return password === undefined ? null : this.#passwords.hash(password);
  }

  /** Commits the writes of an account. @throws MatrixError M_USER_IN_USE when a guard refuses */
  async #commitAccount(writes: readonly Write[]): Promise<void> {
    try {
      await this.#database.commit(writes);
    } catch (error) {
      if (error instanceof Fenced) throw userInUse();
      throw error;
    }
  }

  /**
   * Returns whether this is the password of the account. The check takes as long for an account that does not exist.
   */
  async hasPassword(userId: string, password: string): Promise<boolean> {
    const user = await this.#names.find(userId);
    const row = user === undefined ? undefined : await readAccount(this.#database, user);
    return this.#passwords.verify(row?.password_hash ?? null, password);
  }

  async setPassword(user: number, password: string): Promise<void> {
    await this.#database.commit([setPasswordHash(user, await this.#passwords.hash(password))]);
  }

  /** Deactivates an account permanently. The user name stays taken, and the password is deleted. */
  async deactivate(user: number, erasedPosition: number | undefined): Promise<void> {
    await this.#database.commit([setDeactivated(user, erasedPosition)]);
  }

  async setLocked(user: number, locked: boolean): Promise<void> {
    await this.#database.commit([setLocked(user, locked)]);
  }

  async setSuspended(user: number, suspended: boolean): Promise<void> {
    await this.#database.commit([setSuspended(user, suspended)]);
  }
}

function present(userId: string, row: AccountRow): Account {
  return {
    user: row.user_num,
    userId,
    hasPassword: row.password_hash !== null,
    isAdmin: row.is_admin === 1,
    isGuest: row.is_guest === 1,
    isDeactivated: row.is_deactivated === 1,
    isLocked: row.is_locked === 1,
    isSuspended: row.is_suspended === 1,
    userType: row.user_type,
  };
}
