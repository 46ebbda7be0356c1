import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Database, Fenced } from '../../../src/storage/engine/database.ts';
import {
  countPendingMedia,
  deleteMedia,
  fillMedia,
  insertMedia,
  isMediaHash,
  MEDIA_KIND,
  type MediaRow,
  readExpiredMedia,
  readMedia,
  readUnusedMedia,
  readUsedHashes,
  setMediaQuarantined,
  setMediaUsed,
} from '../../../src/storage/media/media.ts';
import {
  deleteThumbnails,
  insertThumbnail,
  readOrphanedSources,
  readThumbnail,
} from '../../../src/storage/media/media-thumbnails.ts';
import { putUrlPreview, readUrlPreview, trimUrlPreviews } from '../../../src/storage/media/url-previews.ts';
import { engines } from '../engines.ts';

const hashOf = (byte: number) => new Uint8Array(32).fill(byte);
const hex = (hashes: readonly Uint8Array[]) => hashes.map((hash) => Buffer.from(hash).toString('hex', 0, 1)).sort();

const row: MediaRow = {
  origin: 1,
  media_id: 'a',
  kind: MEDIA_KIND.upload,
  user_num: 7,
  hash: null,
  bytes: 0,
  content_type: 'application/octet-stream',
  file_name: null,
  created: 100,
  expires: null,
  used: 100,
  needs_token: 1,
  quarantined: 0,
};

const content = { hash: hashOf(1), bytes: 5_000_000_000, content_type: 'image/png', file_name: 'ü', needs_token: 0 };

describe.each(engines)('media, on $name', (engine) => {
  let database: Database;
  let end: () => Promise<void>;
  beforeAll(async () => {
    ({ database, end } = await engine.open());
  });
  afterAll(() => end());

  test('an id gets its content once', async () => {
    await database.commit([insertMedia({ ...row, expires: 500 })]);
    expect(await countPendingMedia(database, 7, 400)).toBe(1);
    expect(await countPendingMedia(database, 7, 500)).toBe(0);
    await database.commit([fillMedia(row, content)]);
    const filled = await readMedia(database, 1, 'a');
    expect(filled).toMatchObject({ bytes: 5_000_000_000, file_name: 'ü', expires: null, needs_token: 0, user_num: 7 });
    expect(hex(filled?.hash ? [filled.hash] : [])).toEqual(['01']);
    await expect(database.commit([fillMedia(row, content)])).rejects.toBeInstanceOf(Fenced);
    await expect(database.commit([fillMedia({ origin: 1, media_id: 'none' }, content)])).rejects.toBeInstanceOf(Fenced);
    expect(await countPendingMedia(database, 7, 0)).toBe(0);
    expect(await readMedia(database, 2, 'a')).toBeUndefined();
  });

  test('an id that exists is not replaced', async () => {
    await database.commit([insertMedia({ ...row, media_id: 'twice', file_name: 'first' })]);
    await database.commit([insertMedia({ ...row, media_id: 'twice', file_name: 'second' })]);
    expect(await readMedia(database, 1, 'twice')).toMatchObject({ file_name: 'first' });
  });

  test('expired and unread media are found, and removed unless they are uploads', async () => {
    const copy = { ...row, origin: 3, kind: MEDIA_KIND.copy, hash: hashOf(2) };
    await database.commit([
      insertMedia({ ...row, origin: 3, media_id: 'late', expires: 10 }),
      insertMedia({ ...copy, media_id: 'old' }),
      insertMedia({ ...copy, media_id: 'read' }),
      insertMedia({ ...copy, media_id: 'hidden' }),
      insertMedia({ ...copy, media_id: 'own', kind: MEDIA_KIND.upload }),
    ]);
    const hidden = { origin: 3, media_id: 'hidden' };
    await database.commit([setMediaUsed({ origin: 3, media_id: 'read' }, 900), setMediaQuarantined(hidden, true)]);
    expect(await readMedia(database, 3, 'hidden')).toMatchObject({ quarantined: 1 });
    expect(await readExpiredMedia(database, 10, 9)).toEqual([{ origin: 3, media_id: 'late' }]);
    expect(await readUnusedMedia(database, MEDIA_KIND.copy, 500, 9)).toEqual([{ origin: 3, media_id: 'old' }]);
    await database.commit(['late', 'old', 'own'].map((media_id) => deleteMedia({ origin: 3, media_id })));
    expect(await readMedia(database, 3, 'late')).toBeUndefined();
    expect(await readMedia(database, 3, 'old')).toBeUndefined();
    expect(await readMedia(database, 3, 'own')).toBeDefined();
  });

  test('contents that are referred to are told from others', async () => {
    await database.commit([
      insertMedia({ ...row, media_id: 'ref', hash: hashOf(9) }),
      insertThumbnail(hashOf(9), '32x32-crop', { hash: hashOf(10), bytes: 3, content_type: 'image/png' }),
      insertThumbnail(hashOf(11), '32x32-crop', { hash: hashOf(12), bytes: 3, content_type: 'image/png' }),
    ]);
    expect(await isMediaHash(database, hashOf(9))).toBe(true);
    expect(await isMediaHash(database, hashOf(10))).toBe(false);
    expect(hex(await readUsedHashes(database, [9, 10, 11, 12, 13].map(hashOf)))).toEqual(['09', '0a', '0c']);
    expect(hex(await readUsedHashes(database, []))).toEqual([]);
    expect(await readThumbnail(database, hashOf(9), '32x32-crop')).toMatchObject({ bytes: 3 });
    expect(await readThumbnail(database, hashOf(9), '96x96-crop')).toBeUndefined();
    expect(hex(await readOrphanedSources(database, 9))).toEqual(['0b']);
    await database.commit([deleteThumbnails([hashOf(11)])]);
    expect(await readOrphanedSources(database, 9)).toEqual([]);
  });

  test('only the newest previews are kept, and only for a while', async () => {
    await database.commit([1, 2, 3, 4, 5].map((i) => putUrlPreview(`u${i}`, `{"i":${i}}`, i * 10)));
    await database.commit([putUrlPreview('u3', '{"i":33}', 35)]);
    expect(await readUrlPreview(database, 'u3', 34)).toBe('{"i":33}');
    expect(await readUrlPreview(database, 'u3', 35)).toBeUndefined();
    await database.commit([trimUrlPreviews(10, 3)]);
    const left = await Promise.all([1, 2, 3, 4, 5].map((i) => readUrlPreview(database, `u${i}`, 0)));
    expect(left.map((json) => json !== undefined)).toEqual([false, false, true, true, true]);
  });
});
