import { type Database, guard, sql, type Write, write } from '../engine/database.ts';

const select = sql('SELECT uses_left, expires, makes_admin FROM registration_tokens WHERE hash = ?');
const selectUsable = sql(
  `SELECT hash FROM registration_tokens
   WHERE (uses_left IS NULL OR uses_left > 0) AND (expires IS NULL OR expires > ?) LIMIT 1`,
);
const insert = sql(
  'INSERT INTO registration_tokens (hash, uses_left, expires, makes_admin, first_start) VALUES (?, ?, ?, ?, ?)',
);
const take = sql(
  `UPDATE registration_tokens SET uses_left = uses_left - 1
   WHERE hash = ? AND (uses_left IS NULL OR uses_left > 0) AND (expires IS NULL OR expires > ?)`,
);
const deleteSpent = sql('DELETE FROM registration_tokens WHERE uses_left <= 0 OR expires <= ?');
const deleteFirstStart = sql('DELETE FROM registration_tokens WHERE first_start = 1');

export interface RegistrationTokenRow {
  readonly uses_left: number | null;
  readonly expires: number | null;
  readonly makes_admin: number;
}

export interface NewRegistrationToken {
  readonly hash: Uint8Array;
  readonly usesLeft: number | null;
  readonly expires: number | null;
  readonly makesAdmin: boolean;
  readonly firstStart: boolean;
}

export function readRegistrationToken(database: Database, hash: Uint8Array): Promise<RegistrationTokenRow | undefined> {
  return database.first<RegistrationTokenRow>(select, hash);
}

/** Returns whether any registration token is valid now. */
export async function hasUsableRegistrationToken(database: Database, now: number): Promise<boolean> {
  return (await database.first(selectUsable, now)) !== undefined;
}

export function insertRegistrationToken(token: NewRegistrationToken): Write {
  const { hash, usesLeft, expires, makesAdmin, firstStart } = token;
  return write(insert, hash, usesLeft, expires, Number(makesAdmin), Number(firstStart));
}

/**
 * Returns the write that uses a token once. It is a guard: the transaction is rejected if the token is used up or
 * expired.
 */
export function takeRegistrationToken(hash: Uint8Array, now: number): Write {
  return guard(take, hash, now);
}

/** Deletes tokens that are used up or expired. */
export function deleteSpentRegistrationTokens(now: number): Write {
  return write(deleteSpent, now);
}

/** Deletes the unused token of an earlier start. */
export function deleteFirstStartTokens(): Write {
  return write(deleteFirstStart);
}
