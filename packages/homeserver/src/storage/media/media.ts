import { type Database, guard, sql, type Write, write } from '../engine/database.ts';

/** The kind of a row of media. */
export const MEDIA_KIND = { upload: 0, preview: 1, copy: 2 } as const;

const COLUMNS =
  'origin, media_id, kind, user_num, hash, bytes, content_type, file_name, created, expires, used, needs_token, quarantined';
const select = sql(`SELECT ${COLUMNS} FROM media WHERE origin = ? AND media_id = ?`);
const selectKnown = sql('SELECT 1 AS known FROM media WHERE hash = ? LIMIT 1');
const countPending = sql('SELECT count(*) AS count FROM media WHERE user_num = ? AND expires > ?');
const insert = sql(
  `INSERT INTO media (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (origin, media_id) DO NOTHING`,
);
const update = sql(
  `UPDATE media SET hash = ?, bytes = ?, content_type = ?, file_name = ?, needs_token = ?, expires = NULL
   WHERE origin = ? AND media_id = ? AND hash IS NULL`,
);
const updateQuarantined = sql('UPDATE media SET quarantined = ? WHERE origin = ? AND media_id = ?');
const updateUsed = sql('UPDATE media SET used = ? WHERE origin = ? AND media_id = ?');
const selectExpired = sql(`SELECT origin, media_id FROM media WHERE expires <= ? ORDER BY expires LIMIT ?`);
const selectUnused = sql(
  'SELECT origin, media_id FROM media WHERE kind = ? AND kind > 0 AND used < ? AND quarantined = 0 LIMIT ?',
);
const remove = sql('DELETE FROM media WHERE origin = ? AND media_id = ? AND (hash IS NULL OR kind > 0)');
const selectHashes = sql('SELECT DISTINCT hash FROM media WHERE hash IN @blobs');
const selectThumbnailHashes = sql('SELECT DISTINCT hash FROM media_thumbnails WHERE hash IN @blobs');

export interface MediaRow {
  /** The number of the origin server's name, see `names.ts`. */
  readonly origin: number;
  readonly media_id: string;
  readonly kind: number;
  readonly user_num: number | null;
  /** The hash of the content; null until there is content. */
  readonly hash: Uint8Array | null;
  readonly bytes: number;
  readonly content_type: string;
  readonly file_name: string | null;
  readonly created: number;
  readonly expires: number | null;
  readonly used: number;
  readonly needs_token: number;
  readonly quarantined: number;
}

export type MediaKey = Pick<MediaRow, 'origin' | 'media_id'>;
export type MediaContent = Pick<MediaRow, 'bytes' | 'content_type' | 'file_name' | 'needs_token'> & {
  readonly hash: Uint8Array;
};

export function readMedia(database: Database, origin: number, mediaId: string): Promise<MediaRow | undefined> {
  return database.first<MediaRow>(select, origin, mediaId);
}

/** Returns whether any media has this content. */
export async function isMediaHash(database: Database, hash: Uint8Array): Promise<boolean> {
  return (await database.first(selectKnown, hash)) !== undefined;
}

/** Returns the number of a user's media ids that wait for their content. */
export async function countPendingMedia(database: Database, user: number, ts: number): Promise<number> {
  return (await database.first<{ count: number }>(countPending, user, ts))?.count ?? 0;
}

/** Returns the write that inserts media. It has no effect if the id exists. */
export function insertMedia(row: MediaRow): Write {
  const { origin, media_id, kind, user_num, hash, bytes, content_type, file_name, created, expires, used } = row;
  const what = [bytes, content_type, file_name, created, expires, used, row.needs_token, row.quarantined];
  return write(insert, origin, media_id, kind, user_num, hash, ...what);
}

/** Returns the write that adds the content of an id. It is a guard: the transaction is rejected if there is content. */
export function fillMedia({ origin, media_id }: MediaKey, content: MediaContent): Write {
  const { hash, bytes, content_type, file_name, needs_token } = content;
  return guard(update, hash, bytes, content_type, file_name, needs_token, origin, media_id);
}

export function setMediaQuarantined({ origin, media_id }: MediaKey, quarantined: boolean): Write {
  return write(updateQuarantined, quarantined ? 1 : 0, origin, media_id);
}

export function setMediaUsed({ origin, media_id }: MediaKey, ts: number): Write {
  return write(updateUsed, ts, origin, media_id);
}

/** Returns media ids that have expired without content. */
export function readExpiredMedia(database: Database, ts: number, limit: number): Promise<MediaKey[]> {
  return database.all<MediaKey>(selectExpired, ts, limit);
}

/**
 * Returns media of a kind that were not read since a time. Quarantined media are left out, because a new copy would not
 * be in quarantine.
 */
export function readUnusedMedia(database: Database, kind: number, ts: number, limit: number): Promise<MediaKey[]> {
  return database.all<MediaKey>(selectUnused, kind, ts, limit);
}

/**
 * Returns the write that deletes an id without content, or media that can be fetched again. It never deletes an upload.
 */
export function deleteMedia({ origin, media_id }: MediaKey): Write {
  return write(remove, origin, media_id);
}

/** Returns those of the contents to which media or thumbnails refer. */
export async function readUsedHashes(database: Database, hashes: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const rows = await database.all<{ hash: Uint8Array }>(selectHashes, hashes);
  const thumbnails = await database.all<{ hash: Uint8Array }>(selectThumbnailHashes, hashes);
  return [...rows, ...thumbnails].map(({ hash }) => hash);
}
