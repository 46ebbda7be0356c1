import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, DAY_MS } from '../platform/clock.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import { deleteMedia, MEDIA_KIND, type MediaKey, readExpiredMedia, readUnusedMedia } from '../storage/media/media.ts';
import { deleteThumbnails, readOrphanedSources } from '../storage/media/media-thumbnails.ts';
import { trimUrlPreviews } from '../storage/media/url-previews.ts';
import type { Blobs } from './blobs/blobs.ts';
import { PREVIEWS_KEPT_MAX } from './previews/previews.ts';

interface GarbageParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly blobs: Blobs;
  /** The time for which copies of other servers' media are kept after the last download. */
  readonly copiesKeptMs: number;
  /** The time for which previews are used. */
  readonly previewsKeptMs: number;
}

/** The numbers of removed rows and files, or of those that would be removed. */
export interface GarbageReport {
  /** The number of media ids that never had content. */
  readonly expiredIds: number;
  /** The number of copies of other servers' media and preview images that were not read for a long time. */
  readonly unusedCopies: number;
  /** The number of unreferenced contents. `contentBytes` is their length. */
  readonly contents: number;
  readonly contentBytes: number;
  /** The number of files of incomplete uploads. */
  readonly incompleteFiles: number;
}

const AT_ONCE = 500;
const PREVIEW_IMAGES_KEPT_MS = 30 * DAY_MS;
/** The minimum age of removed files. A younger file may belong to an upload in progress. */
const YOUNGEST_MS = DAY_MS;

/** Removes unused media rows, contents and files. With `dryRun` it only counts them. */
export async function collectGarbage(parts: GarbageParts, dryRun: boolean): Promise<GarbageReport> {
  const { database, clock, copiesKeptMs, previewsKeptMs } = parts;
  const now = clock.now();
  const expiredIds = await removeRows(parts, dryRun, (limit) => readExpiredMedia(database, now, limit));
  const [preview, copy] = [now - PREVIEW_IMAGES_KEPT_MS, now - copiesKeptMs];
  const unusedCopies =
    (await removeRows(parts, dryRun, (limit) => readUnusedMedia(database, MEDIA_KIND.preview, preview, limit))) +
    (await removeRows(parts, dryRun, (limit) => readUnusedMedia(database, MEDIA_KIND.copy, copy, limit)));
  if (!dryRun) {
    await database.commit([trimUrlPreviews(now - previewsKeptMs, PREVIEWS_KEPT_MAX)]);
    await removeThumbnails(database);
  }
  const contents = await removeContents(parts, now - YOUNGEST_MS, dryRun);
  const incompleteFiles = await removeIncomplete(parts.blobs.incoming.folder, now - YOUNGEST_MS, dryRun);
  return { expiredIds, unusedCopies, ...contents, incompleteFiles };
}

type ReadRows = (limit: number) => Promise<MediaKey[]>;

async function removeRows({ database }: GarbageParts, dryRun: boolean, read: ReadRows): Promise<number> {
  if (dryRun) return (await read(DRY_RUN_MAX)).length;
  let count = 0;
  for (;;) {
    const keys = await read(AT_ONCE);
    if (keys.length === 0) return count;
    const writes: Write[] = keys.map(deleteMedia);
    await database.commit(writes);
    count += keys.length;
  }
}

/** The maximum number of rows that a dry run counts. */
const DRY_RUN_MAX = 1_000_000;

async function removeThumbnails(database: Database): Promise<void> {
  for (;;) {
    const sources = await readOrphanedSources(database, AT_ONCE);
    if (sources.length === 0) return;
    await database.commit([deleteThumbnails(sources)]);
  }
}

async function removeContents({ blobs }: GarbageParts, beforeTs: number, dryRun: boolean) {
  let contents = 0;
  let contentBytes = 0;
  for await (const stored of blobs.store.list()) {
    for (const { length } of await blobs.removeUnused(stored, beforeTs, dryRun)) {
      contents += 1;
      contentBytes += length;
    }
  }
  return { contents, contentBytes };
}

/** Removes files of uploads that a killed process has left. */
async function removeIncomplete(folder: string, beforeTs: number, dryRun: boolean): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  let count = 0;
  for (const name of names) {
    const path = join(folder, name);
    const status = await stat(path).catch(() => undefined);
    if (status === undefined || status.mtimeMs >= beforeTs) continue;
    if (!dryRun) await unlink(path);
    count += 1;
  }
  return count;
}
