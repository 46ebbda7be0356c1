import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql('SELECT hash, bytes, content_type FROM media_thumbnails WHERE source = ? AND variant = ?');
const insert = sql(
  `INSERT INTO media_thumbnails (source, variant, hash, bytes, content_type) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (source, variant) DO NOTHING`,
);
const selectOrphaned = sql(
  `SELECT DISTINCT source FROM media_thumbnails
   WHERE NOT EXISTS (SELECT 1 FROM media WHERE media.hash = media_thumbnails.source) LIMIT ?`,
);
const remove = sql('DELETE FROM media_thumbnails WHERE source IN @blobs');

export interface ThumbnailRow {
  readonly hash: Uint8Array;
  readonly bytes: number;
  readonly content_type: string;
}

/** Returns the thumbnail of a content. `variant` names size and method. */
export function readThumbnail(
  database: Database,
  source: Uint8Array,
  variant: string,
): Promise<ThumbnailRow | undefined> {
  return database.first<ThumbnailRow>(select, source, variant);
}

export function insertThumbnail(source: Uint8Array, variant: string, thumbnail: ThumbnailRow): Write {
  return write(insert, source, variant, thumbnail.hash, thumbnail.bytes, thumbnail.content_type);
}

/** Returns contents that have thumbnails but no media any more. */
export async function readOrphanedSources(database: Database, limit: number): Promise<Uint8Array[]> {
  return (await database.all<{ source: Uint8Array }>(selectOrphaned, limit)).map(({ source }) => source);
}

export function deleteThumbnails(sources: readonly Uint8Array[]): Write {
  return write(remove, sources);
}
