import { type Database, guard, sql, type Write, write } from '../engine/database.ts';

/** The type of accounts of application services and their users. */
export const SERVICE_USER = 'application_service';
/** The type of the account that sends server notices. */
export const NOTICES_USER = 'server_notices';

const select = sql('SELECT * FROM accounts WHERE user_num = ?');
const selectPerson = sql(
  `SELECT user_num FROM accounts WHERE user_type IS NULL OR user_type NOT IN ('${SERVICE_USER}', '${NOTICES_USER}') LIMIT 1`,
);
const selectNames = sql('SELECT a.user_num, n.text AS user_id FROM accounts a JOIN names n ON n.num = a.user_num');
const selectGuests = sql('SELECT user_num FROM accounts WHERE is_guest = 1 AND user_num IN @list');
const insert = sql(
  `INSERT INTO accounts (user_num, password_hash, user_type, is_admin, is_guest, created)
   VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (user_num) DO NOTHING`,
);
const updateGuest = sql(
  `UPDATE accounts SET is_guest = 0, password_hash = ?, is_admin = ?
   WHERE user_num = ? AND is_guest = 1 AND is_deactivated = 0`,
);
const updatePassword = sql('UPDATE accounts SET password_hash = ? WHERE user_num = ?');
const updateDeactivated = sql(
  'UPDATE accounts SET is_deactivated = 1, is_erased = ?, erased_position = ?, password_hash = NULL WHERE user_num = ?',
);
const selectErased = sql('SELECT user_num, erased_position FROM accounts WHERE erased_position IS NOT NULL');
const updateLocked = sql('UPDATE accounts SET is_locked = ? WHERE user_num = ?');
const updateSuspended = sql('UPDATE accounts SET is_suspended = ? WHERE user_num = ?');

export interface AccountRow {
  readonly user_num: number;
  readonly password_hash: string | null;
  readonly user_type: string | null;
  readonly is_admin: number;
  readonly is_guest: number;
  readonly is_deactivated: number;
  readonly is_erased: number;
  readonly is_locked: number;
  readonly is_suspended: number;
  readonly created: number;
}

/** The first row of a new account. */
export interface NewAccount {
  readonly user: number;
  readonly passwordHash: string | null;
  readonly userType: string | null;
  readonly isAdmin: boolean;
  readonly isGuest: boolean;
  readonly created: number;
}

export function readAccount(database: Database, user: number): Promise<AccountRow | undefined> {
  return database.first<AccountRow>(select, user);
}

/** Returns the user ids of all accounts. */
export function readAccountNames(
  database: Database,
): Promise<{ readonly user_num: number; readonly user_id: string }[]> {
  return database.all(selectNames);
}

/** Returns those of the users who are guests of this server. */
export async function readGuests(database: Database, users: readonly number[]): Promise<number[]> {
  const rows = await database.all<{ user_num: number }>(selectGuests, users);
  return rows.map(({ user_num }) => user_num);
}

/** Returns whether there is an account of a person. */
export async function hasPeople(database: Database): Promise<boolean> {
  return (await database.first(selectPerson)) !== undefined;
}

/** Returns the write that inserts an account. It is a guard: the transaction is rejected if the account exists. */
export function insertAccount(account: NewAccount): Write {
  const { user, passwordHash, userType, isAdmin, isGuest, created } = account;
  return guard(insert, user, passwordHash, userType, Number(isAdmin), Number(isGuest), created);
}

/**
 * Returns the write that turns a guest into a user. It is a guard: the transaction is rejected if the account is not a
 * guest's.
 */
export function upgradeGuestAccount(user: number, passwordHash: string | null, isAdmin: boolean): Write {
  return guard(updateGuest, passwordHash, Number(isAdmin), user);
}

export function setPasswordHash(user: number, hash: string): Write {
  return write(updatePassword, hash, user);
}

/**
 * Returns the write that deactivates an account.
 * @param erasedPosition the position in the stream if the user's content is also erased
 */
export function setDeactivated(user: number, erasedPosition: number | undefined): Write {
  return write(updateDeactivated, Number(erasedPosition !== undefined), erasedPosition ?? null, user);
}

/** Returns the positions at which users were erased. */
export async function readErasedUsers(database: Database): Promise<Map<number, number>> {
  const rows = await database.all<{ user_num: number; erased_position: number }>(selectErased);
  return new Map(rows.map(({ user_num, erased_position }) => [user_num, erased_position]));
}

export function setLocked(user: number, locked: boolean): Write {
  return write(updateLocked, Number(locked), user);
}

export function setSuspended(user: number, suspended: boolean): Write {
  return write(updateSuspended, Number(suspended), user);
}
