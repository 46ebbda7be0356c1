import { invalidParam, notFound, userLimitExceeded, wrongRoomKeysVersion } from '@hearth/protocol/errors.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import {
  type BackupKey,
  type BackupSessionRow,
  countBackupSessions,
  deleteAllKeyBackups,
  deleteBackupSessions,
  deleteKeyBackup,
  insertKeyBackup,
  type KeyBackupRow,
  putBackupSessions,
  readBackupRanks,
  readBackupSessions,
  readKeyBackups,
  setBackupAuthData,
  setBackupContents,
} from '../storage/encryption/key-backups.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import { type BackedUpKey, isBetter } from './backed-up-key.ts';

interface KeyBackupsParts {
  readonly database: Database;
  readonly names: Names;
  readonly stream: Stream;
}

/** The answer to a change of the contents of a backup. */
export interface BackupContents {
  readonly etag: string;
  readonly count: number;
}

/** Clients keep one, and delete it when they make another. */
const VERSIONS_MAX = 100;
const SESSIONS_MAX = 1_000_000;

/**
 * Users' backups of room keys (client-server API, "Server-side key backups"). Changes of one user's backups are
 * serialised.
 */
export class KeyBackups {
  readonly #parts: KeyBackupsParts;
  readonly #serial = new Serial<number>();

  constructor(parts: KeyBackupsParts) {
    this.#parts = parts;
  }

  /** Creates a version, which becomes the current one. `authData` is JSON text. */
  create(user: number, algorithm: string, authData: string): Promise<string> {
    return this.#serial.run(user, async () => {
      const versions = await readKeyBackups(this.#parts.database, user);
      if (versions.length >= VERSIONS_MAX) {
        throw userLimitExceeded(
          'about:blank',
          false,
          'You have too many key backups: delete one before you create another',
        );
      }
      const version = this.#parts.stream.next();
      await this.#parts.stream.commit([insertKeyBackup({ user, version }, algorithm, authData)], []);
      return `${version}`;
    });
  }

  /** Returns a version, the current one by default. @throws MatrixError M_NOT_FOUND */
  async version(user: number, version?: string): Promise<KeyBackupRow> {
    const versions = await readKeyBackups(this.#parts.database, user);
    const row = version === undefined ? versions.at(-1) : versions.find((each) => `${each.version}` === version);
    if (row === undefined) throw notFound('The key backup does not exist');
    return row;
  }

  /** Replaces the `auth_data` of a version. @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM */
  update(user: number, version: string, algorithm: string, authData: string): Promise<void> {
    return this.#serial.run(user, async () => {
      const row = await this.version(user, version);
      if (row.algorithm !== algorithm) throw invalidParam('The algorithm of a key backup cannot change');
      await this.#parts.database.commit([setBackupAuthData({ user, version: row.version }, authData)]);
    });
  }

  /** Deletes a version with its keys. @throws MatrixError M_NOT_FOUND */
  delete(user: number, version: string): Promise<void> {
    return this.#serial.run(user, async () => {
      const row = await this.version(user, version);
      await this.#parts.database.commit(deleteKeyBackup({ user, version: row.version }));
    });
  }

  /** Returns keys of a version: all, those of a room, or one. @throws MatrixError M_NOT_FOUND for the version */
  async sessions(user: number, version: string, roomId?: string, sessionId?: string): Promise<BackupSessionRow[]> {
    const row = await this.version(user, version);
    const key = { user, version: row.version };
    if (roomId === undefined) return readBackupSessions(this.#parts.database, key);
    const room = await this.#parts.names.find(roomId);
    return room === undefined ? [] : readBackupSessions(this.#parts.database, key, room, sessionId);
  }

  /**
   * Stores keys in the current version. The better one of two keys of a session is kept.
   * @throws MatrixError M_NOT_FOUND, M_WRONG_ROOM_KEYS_VERSION, M_USER_LIMIT_EXCEEDED
   */
  put(user: number, version: string, keys: readonly BackedUpKey[]): Promise<BackupContents> {
    return this.#serial.run(user, async () => {
      const backup = await this.#current(user, version);
      const key = { user, version: backup.version };
      const { better, added } = await this.#worthKeeping(key, keys);
      if (better.length === 0) return contents(backup.etag, backup.sessions);
      const sessions = backup.sessions + added;
      if (sessions > SESSIONS_MAX) throw userLimitExceeded('about:blank', false, 'The key backup is full');
      const names = this.#parts.names.inserts(...new Set(better.map(({ room }) => room)));
      return this.#change(key, backup, sessions, ...names, putBackupSessions(key, better));
    });
  }

  /** Deletes keys of a version: all, those of a room, or one. @throws MatrixError M_NOT_FOUND for the version */
  remove(user: number, version: string, roomId?: string, sessionId?: string): Promise<BackupContents> {
    return this.#serial.run(user, async () => {
      const backup = await this.version(user, version);
      const key = { user, version: backup.version };
      const room = roomId === undefined ? undefined : await this.#parts.names.find(roomId);
      const removed = await this.#count(key, backup, roomId, room, sessionId);
      if (removed === 0) return contents(backup.etag, backup.sessions);
      return this.#change(key, backup, backup.sessions - removed, deleteBackupSessions(key, room, sessionId));
    });
  }

  /** Deletes all backups of a deactivated user. */
  async forget(user: number): Promise<void> {
    await this.#parts.database.commit(deleteAllKeyBackups(user));
  }

  /** Returns the version if it is the current one, because only the current version accepts keys. */
  async #current(user: number, version: string): Promise<KeyBackupRow> {
    const versions = await readKeyBackups(this.#parts.database, user);
    const current = versions.at(-1);
    if (current === undefined || !versions.some((each) => `${each.version}` === version)) {
      throw notFound('The key backup does not exist');
    }
    if (`${current.version}` === version) return current;
    throw wrongRoomKeysVersion(`${current.version}`);
  }

  /** Returns the keys that are new or better than the stored ones, and the number of new keys. */
  async #worthKeeping(key: BackupKey, keys: readonly BackedUpKey[]) {
    const rooms = await this.#parts.names.reserveAll(keys.map(({ roomId }) => roomId));
    const rows = keys.map(({ roomId, row }) => ({ ...row, room: rooms.get(roomId) ?? 0 }));
    const ids = [...new Set(rows.map(({ session_id }) => session_id))];
    const known = new Map(
      (await readBackupRanks(this.#parts.database, key, [...rooms.values()], ids)).map((row) => [place(row), row]),
    );
    const better = rows.filter((row) => {
      const old = known.get(place(row));
      return old === undefined || isBetter(row, old);
    });
    return { better, added: better.filter((row) => !known.has(place(row))).length };
  }

  async #count(
    key: BackupKey,
    backup: KeyBackupRow,
    roomId: string | undefined,
    room: number | undefined,
    sessionId: string | undefined,
  ): Promise<number> {
    if (roomId === undefined) return backup.sessions;
    if (room === undefined) return 0;
    if (sessionId === undefined) return countBackupSessions(this.#parts.database, key, room);
    return (await readBackupSessions(this.#parts.database, key, room, sessionId)).length;
  }

  async #change(key: BackupKey, { etag }: KeyBackupRow, sessions: number, ...writes: Write[]): Promise<BackupContents> {
    await this.#parts.database.commit([setBackupContents(key, etag, sessions), ...writes]);
    return contents(etag + 1, sessions);
  }
}

function contents(etag: number, count: number): BackupContents {
  return { etag: `${etag}`, count };
}

function place({ room, session_id }: { readonly room: number; readonly session_id: string }): string {
  return `${room} ${session_id}`;
}
