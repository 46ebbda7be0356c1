import { type Database, sql, type Write, write } from '../engine/database.ts';

const insert = sql('INSERT INTO openid_tokens (hash, user_num, expires) VALUES (?, ?, ?)');
const select = sql('SELECT user_num FROM openid_tokens WHERE hash = ? AND expires > ?');
const removeOld = sql('DELETE FROM openid_tokens WHERE expires <= ?');
const removeOfUser = sql('DELETE FROM openid_tokens WHERE user_num = ?');

export function insertOpenIdToken(hash: Uint8Array, user: number, expires: number): Write {
  return write(insert, hash, user, expires);
}

/** Returns the owner of a token that exists and is still valid. */
export async function readOpenIdToken(database: Database, hash: Uint8Array, now: number): Promise<number | undefined> {
  return (await database.first<{ user_num: number }>(select, hash, now))?.user_num;
}

export function deleteOldOpenIdTokens(now: number): Write {
  return write(removeOld, now);
}

export function deleteOpenIdTokens(user: number): Write {
  return write(removeOfUser, user);
}
