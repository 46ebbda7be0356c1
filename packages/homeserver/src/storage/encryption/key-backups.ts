import { type Database, guard, sql, sqlRows, type Write, write, writeRows } from '../engine/database.ts';

const selectVersions = sql(
  'SELECT version, algorithm, auth_data, etag, sessions FROM key_backups WHERE user_num = ? ORDER BY version',
);
const insertVersion = sql(
  'INSERT INTO key_backups (user_num, version, algorithm, auth_data, etag, sessions) VALUES (?, ?, ?, ?, 0, 0)',
);
const updateAuthData = sql('UPDATE key_backups SET auth_data = ? WHERE user_num = ? AND version = ?');
const updateContents = sql(
  'UPDATE key_backups SET etag = etag + 1, sessions = ? WHERE user_num = ? AND version = ? AND etag = ?',
);
const removeVersion = sql('DELETE FROM key_backups WHERE user_num = ? AND version = ?');
const removeVersionSessions = sql('DELETE FROM key_backup_sessions WHERE user_num = ? AND version = ?');
const removeAllVersions = sql('DELETE FROM key_backups WHERE user_num = ?');
const removeAllSessions = sql('DELETE FROM key_backup_sessions WHERE user_num = ?');

const sessionColumns = 'room, session_id, first_message_index, forwarded_count, is_verified';
const selectAll = sql(
  `SELECT ${sessionColumns}, session_data FROM key_backup_sessions WHERE user_num = ? AND version = ?`,
);
const selectRoom = sql(
  `SELECT ${sessionColumns}, session_data FROM key_backup_sessions WHERE user_num = ? AND version = ? AND room = ?`,
);
const selectSession = sql(
  `SELECT ${sessionColumns}, session_data FROM key_backup_sessions
   WHERE user_num = ? AND version = ? AND room = ? AND session_id = ?`,
);
const selectRanks = sql(
  `SELECT ${sessionColumns} FROM key_backup_sessions
   WHERE user_num = ? AND version = ? AND room IN @list AND session_id IN @list`,
);
const countRoom = sql(
  'SELECT count(*) AS count FROM key_backup_sessions WHERE user_num = ? AND version = ? AND room = ?',
);
const upsertSessions = sqlRows(
  `INSERT INTO key_backup_sessions (user_num, version, ${sessionColumns}, session_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
   ON CONFLICT (user_num, version, room, session_id) DO UPDATE SET first_message_index = excluded.first_message_index,
   forwarded_count = excluded.forwarded_count, is_verified = excluded.is_verified, session_data = excluded.session_data`,
  ['integer', 'integer', 'integer', 'text', 'integer', 'integer', 'integer', 'text'],
);
const removeRoom = sql('DELETE FROM key_backup_sessions WHERE user_num = ? AND version = ? AND room = ?');
const removeSession = sql(
  'DELETE FROM key_backup_sessions WHERE user_num = ? AND version = ? AND room = ? AND session_id = ?',
);

/** A version of a user's key backup. `auth_data` is JSON text; `sessions` is the number of keys. */
export interface KeyBackupRow {
  readonly version: number;
  readonly algorithm: string;
  readonly auth_data: string;
  readonly etag: number;
  readonly sessions: number;
}

/** The values that decide which of two keys of a session is stored. `room` is a number of `names.ts`. */
export interface BackupRankRow {
  readonly room: number;
  readonly session_id: string;
  readonly first_message_index: number;
  readonly forwarded_count: number;
  readonly is_verified: number;
}

/** A key in a backup; `session_data` is JSON text. */
export interface BackupSessionRow extends BackupRankRow {
  readonly session_data: string;
}

/** The identity of a key backup. */
export interface BackupKey {
  readonly user: number;
  readonly version: number;
}

/** Returns all versions of a user's key backup, the current one last. */
export function readKeyBackups(database: Database, user: number): Promise<KeyBackupRow[]> {
  return database.all<KeyBackupRow>(selectVersions, user);
}

export function insertKeyBackup({ user, version }: BackupKey, algorithm: string, authData: string): Write {
  return write(insertVersion, user, version, algorithm, authData);
}

export function setBackupAuthData({ user, version }: BackupKey, authData: string): Write {
  return write(updateAuthData, authData, user, version);
}

/** Returns the write that increments the etag. It is a guard: the transaction is rejected if the etag has changed. */
export function setBackupContents({ user, version }: BackupKey, etag: number, sessions: number): Write {
  return guard(updateContents, sessions, user, version, etag);
}

export function deleteKeyBackup({ user, version }: BackupKey): Write[] {
  return [write(removeVersion, user, version), write(removeVersionSessions, user, version)];
}

export function deleteAllKeyBackups(user: number): Write[] {
  return [write(removeAllVersions, user), write(removeAllSessions, user)];
}

/** Returns keys of a backup: all, those of a room, or one. */
export function readBackupSessions(
  database: Database,
  { user, version }: BackupKey,
  room?: number,
  sessionId?: string,
): Promise<BackupSessionRow[]> {
  if (room === undefined) return database.all(selectAll, user, version);
  if (sessionId === undefined) return database.all(selectRoom, user, version, room);
  return database.all(selectSession, user, version, room, sessionId);
}

/**
 * Returns the ranks of the stored keys of these sessions in these rooms. The result may contain other pairs of the two.
 */
export function readBackupRanks(
  database: Database,
  { user, version }: BackupKey,
  rooms: readonly number[],
  sessionIds: readonly string[],
): Promise<BackupRankRow[]> {
  return database.all(selectRanks, user, version, rooms, sessionIds);
}

export async function countBackupSessions(
  database: Database,
  { user, version }: BackupKey,
  room: number,
): Promise<number> {
  return (await database.first<{ count: number }>(countRoom, user, version, room))?.count ?? 0;
}

export function putBackupSessions({ user, version }: BackupKey, sessions: readonly BackupSessionRow[]): Write {
  return writeRows(
    upsertSessions,
    sessions.map(() => user),
    sessions.map(() => version),
    sessions.map((row) => row.room),
    sessions.map((row) => row.session_id),
    sessions.map((row) => row.first_message_index),
    sessions.map((row) => row.forwarded_count),
    sessions.map((row) => row.is_verified),
    sessions.map((row) => row.session_data),
  );
}

export function deleteBackupSessions({ user, version }: BackupKey, room?: number, sessionId?: string): Write {
  if (room === undefined) return write(removeVersionSessions, user, version);
  if (sessionId === undefined) return write(removeRoom, user, version, room);
  return write(removeSession, user, version, room, sessionId);
}
