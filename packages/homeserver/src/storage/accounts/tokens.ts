import { type Database, guard, sql, type Write, write } from '../engine/database.ts';

const selectSession = sql(
  `SELECT t.user_num, t.device, t.expires, t.replaces, d.device_id,
          a.is_admin, a.is_guest, a.is_locked, a.is_suspended
   FROM access_tokens t
   JOIN devices d ON d.num = t.device
   JOIN accounts a ON a.user_num = t.user_num
   WHERE t.hash = ? AND a.is_deactivated = 0`,
);
const insertAccess = sql(
  'INSERT INTO access_tokens (hash, user_num, device, expires, replaces) VALUES (?, ?, ?, ?, ?)',
);
const insertRefresh = sql('INSERT INTO refresh_tokens (hash, user_num, device, replaces) VALUES (?, ?, ?, ?)');
const selectRefresh = sql(
  `SELECT r.user_num, r.device, r.replaces, d.device_id, a.is_locked
   FROM refresh_tokens r
   JOIN devices d ON d.num = r.device
   JOIN accounts a ON a.user_num = r.user_num
   WHERE r.hash = ? AND a.is_deactivated = 0`,
);
const touchRefresh = sql('UPDATE refresh_tokens SET device = device WHERE hash = ?');
const deleteAccessReplacing = sql('DELETE FROM access_tokens WHERE replaces = ?');
const deleteRefreshReplacing = sql('DELETE FROM refresh_tokens WHERE replaces = ?');
const deleteOtherAccess = sql('DELETE FROM access_tokens WHERE device = ? AND (replaces IS NULL OR replaces <> ?)');
const settleAccess = sql('UPDATE access_tokens SET replaces = NULL WHERE replaces = ?');
const settleRefresh = sql('UPDATE refresh_tokens SET replaces = NULL WHERE replaces = ?');
const deleteRefresh = sql('DELETE FROM refresh_tokens WHERE hash = ?');
const deleteAccessOfDevices = sql('DELETE FROM access_tokens WHERE device IN @list');
const deleteRefreshOfDevices = sql('DELETE FROM refresh_tokens WHERE device IN @list');

/** An access token with its device and account. */
export interface SessionRow {
  readonly user_num: number;
  readonly device: number;
  readonly device_id: string;
  readonly expires: number | null;
  readonly replaces: Uint8Array | null;
  readonly is_admin: number;
  readonly is_guest: number;
  readonly is_locked: number;
  readonly is_suspended: number;
}

export interface RefreshRow {
  readonly user_num: number;
  readonly device: number;
  readonly device_id: string;
  readonly replaces: Uint8Array | null;
  readonly is_locked: number;
}

export interface NewToken {
  readonly hash: Uint8Array;
  readonly user: number;
  readonly device: number;
  /** The refresh token for which this token was issued. It stays valid until one of its successors is used. */
  readonly replaces: Uint8Array | null;
}

export function readSession(database: Database, hash: Uint8Array): Promise<SessionRow | undefined> {
  return database.first<SessionRow>(selectSession, hash);
}

export function readRefreshToken(database: Database, hash: Uint8Array): Promise<RefreshRow | undefined> {
  return database.first<RefreshRow>(selectRefresh, hash);
}

export function insertAccessToken({ hash, user, device, replaces }: NewToken, expires: number | null): Write {
  return write(insertAccess, hash, user, device, expires, replaces);
}

export function insertRefreshToken({ hash, user, device, replaces }: NewToken): Write {
  return write(insertRefresh, hash, user, device, replaces);
}

/** Returns a guard that rejects the transaction if the refresh token does not exist any more. */
export function guardRefreshToken(hash: Uint8Array): Write {
  return guard(touchRefresh, hash);
}

/** Deletes the unused tokens that were issued for a refresh token before. */
export function deleteSuccessors(hash: Uint8Array): Write[] {
  return [write(deleteAccessReplacing, hash), write(deleteRefreshReplacing, hash)];
}

/** Deletes the old tokens of a device after a successor of the refresh token `old` was used. */
export function settleSuccession(device: number, old: Uint8Array): Write[] {
  return [
    write(deleteOtherAccess, device, old),
    write(deleteRefresh, old),
    write(settleAccess, old),
    write(settleRefresh, old),
  ];
}

/** Deletes all tokens of the devices. */
export function deleteTokensOfDevices(devices: readonly number[]): Write[] {
  return [write(deleteAccessOfDevices, devices), write(deleteRefreshOfDevices, devices)];
}
