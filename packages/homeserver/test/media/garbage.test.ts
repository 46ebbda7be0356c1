import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import * as v from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';
import { type Media, openMedia } from '../../src/compose/media.ts';
import { configSchema } from '../../src/config/schema.ts';
import { readBlob } from '../../src/media/blobs/blob-store.ts';
import type { MediaRequest } from '../../src/media/contents.ts';
import { mediaAddress } from '../../src/media/media-address.ts';
import type { RemoteMedia } from '../../src/media/remote-media.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { Names } from '../../src/storage/engine/names.ts';
import { type Engine, engines, sqlite } from '../storage/engines.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { refusal } from '../support/refusal.ts';
import { png } from './images.ts';

const DAY_MS = 24 * 60 * 60_000;
const opened: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of opened.splice(0)) await end();
});

/** The content repository alone, over a folder and a clock of its own. */
async function open(engine: Engine, remote?: RemoteMedia, unauthenticated: 'frozen' | 'open' = 'frozen') {
  const { database, end } = await engine.open();
  const folder = mkdtempSync(join(tmpdir(), 'hearth-media-'));
  const clock = new ManualClock();
  const base = { database, names: await Names.open(database), clock, random: systemRandom };
  const outbound = () => Promise.reject(new Error('nobody goes out'));
  const with_ = async (state: 'frozen' | 'open') => {
    const media = await openMedia(
      { ...base, outbound },
      v.parse(configSchema, {
        server_name: 'here.test',
        media: { folder, unauthenticated: state, upload_bytes: 1_000_000 },
      }),
    );
    if (remote !== undefined) media.copies.fetchFrom(remote);
    return media;
  };
  opened.push(async () => {
    rmSync(folder, { recursive: true });
    await end();
  });
  return { media: await with_(unauthenticated), reopen: with_, folder, clock, database };
}

function bytes(content: Buffer, contentType = 'text/plain'): IncomingBytes {
  return {
    contentType,
    length: undefined,
    async receive(take) {
      for (let at = 0; at < content.length; at += 60_000) await take(content.subarray(at, at + 60_000));
    },
  };
}

const address = (uri: string) => {
  const [serverName = '', mediaId = ''] = uri.slice('mxc://'.length).split('/');
  return mediaAddress({ serverName, mediaId });
};

const asked: MediaRequest = { hasToken: true, mayFetch: true, waitMs: 0, client: { cancellation: new Cancellation() } };

async function read(media: Media, uri: string, how: Partial<MediaRequest> = {}): Promise<string> {
  const { hash, length } = await media.contents.find(address(uri), { ...asked, ...how });
  const reader = await media.blobs.store.open(hash, 0, length);
  const text = (await reader.next())?.toString() ?? '';
  reader.close();
  return text;
}

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((e) => e.isFile());

/** As if everything had been written long ago. */
function age(folder: string): void {
  for (const { parentPath, name } of files(folder)) utimesSync(join(parentPath, name), 1, 1);
}

const NONE = { expiredIds: 0, unusedCopies: 0, contents: 0, contentBytes: 0, incompleteFiles: 0 };

describe.each(engines)('garbage collection of media, on $name', (engine) => {
  test('is counted by a dry run and removed by another; the rest stays', async () => {
    const { media, folder, clock } = await open(engine);
    const kept = await media.uploads.upload(1, bytes(Buffer.from('kept')), undefined);
    const image = await media.uploads.upload(1, bytes(png(100, 100)), undefined);
    const found = await media.contents.find(address(image), asked);
    const wanted = { width: 32, height: 32, method: 'crop', animated: false } as const;
    const small = await media.thumbnails.get(found, wanted);
    await media.uploads.create(1);
    const orphan = 'ab'.repeat(32);
    mkdirSync(join(folder, 'a'), { recursive: true });
    writeFileSync(join(folder, 'a', orphan.slice(1)), 'orphan');
    mkdirSync(join(folder, 'incoming'), { recursive: true });
    writeFileSync(join(folder, 'incoming', 'broken'), 'half');
    writeFileSync(join(folder, 'a', 'a note of the administrator'), 'not ours');
    expect(await media.collectGarbage(false)).toEqual(NONE);
    age(folder);
    await clock.pass(2 * DAY_MS);
    const expected = { ...NONE, expiredIds: 1, contents: 1, contentBytes: 6, incompleteFiles: 1 };
    const before = files(folder).length;
    expect(await media.collectGarbage(true)).toEqual(expected);
    expect(files(folder).length).toBe(before);
    expect(await media.collectGarbage(false)).toEqual(expected);
    expect(await media.collectGarbage(false)).toEqual(NONE);
    expect(files(folder).length).toBe(before - 2);
    expect(await read(media, kept)).toBe('kept');
    expect(await media.thumbnails.get(found, wanted)).toEqual(small);
  });
});

describe('garbage collection of media', () => {
  const engine = sqlite;

  test('are images of previews that nobody has read for a month', async () => {
    const { media, folder, clock } = await open(engine);
    const images = await Promise.all(
      ['a', 'b'].map((text) => media.uploads.storePreviewImage(Buffer.from(text), 'image/png')),
    );
    const [read1 = '', forgotten = ''] = images;
    await clock.pass(20 * DAY_MS);
    await read(media, read1);
    await media.lastUsed.flush();
    await clock.pass(20 * DAY_MS);
    age(folder);
    expect(await media.collectGarbage(false)).toMatchObject({ unusedCopies: 1, contents: 1 });
    expect(await read(media, read1)).toBe('a');
    expect(await refusal(read(media, forgotten))).toBe('M_NOT_FOUND');
  });

  test('is not what somebody is just about to refer to', async () => {
    const { media, folder } = await open(engine);
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const keeping = media.blobs.keepBytes(Buffer.from('soon'), async () => {
      reached.resolve();
      await gate.promise;
    });
    await reached.promise;
    age(folder);
    expect(await media.collectGarbage(false)).toEqual(NONE);
    gate.resolve();
    await keeping;
    age(folder);
    expect(await media.collectGarbage(false)).toMatchObject({ contents: 1 });
  });

  test('may be uploaded again while it is removed', async () => {
    const { media, folder } = await open(engine);
    for (let i = 0; i < 10; i++) {
      const content = Buffer.from(`again ${i}`);
      await media.blobs.keepBytes(content, () => Promise.resolve());
      age(folder);
      const [, uri] = await Promise.all([
        media.collectGarbage(false),
        media.uploads.upload(1, bytes(content), undefined),
      ]);
      expect(await read(media, uri)).toBe(`again ${i}`);
    }
  });
});

test.each([1_000, 700_000])(
  'the memory of %d bytes is given back once they are stored, but not that of others',
  async (length) => {
    const { media } = await open(sqlite);
    const chunk = Buffer.from(new ArrayBuffer(length)).fill('a');
    const content = {
      contentType: undefined,
      length,
      receive: async (take: (one: Buffer) => unknown) => void (await take(chunk)),
    };
    const kept = await media.blobs.keep(content, length, ({ hash }) => Promise.resolve(hash));
    expect(chunk).toHaveLength(0);
    const own = Buffer.from(new ArrayBuffer(length)).fill('b');
    await media.blobs.keepBytes(own, () => Promise.resolve());
    expect(own).toHaveLength(length);
    expect(
      (await readBlob(media.blobs.store, Buffer.from(kept).toString('hex'), length)).equals(Buffer.alloc(length, 'a')),
    ).toBe(true);
  },
);

describe.each(engines)('media of other servers, on $name,', (engine) => {
  const remote = (counts: { fetched: number }): RemoteMedia => ({
    async fetch({ mediaId }, _waitMs, store) {
      counts.fetched += 1;
      if (mediaId === 'none') throw notFound();
      const content = Buffer.from(mediaId === 'large' ? 'x'.repeat(1_000_001) : 'from there');
      return store({ content: bytes(content, 'text/html'), fileName: 'a\nb.html' });
    },
  });

  test('are fetched once, kept while they are read, and fetched again', async () => {
    const counts = { fetched: 0 };
    const { media, folder, clock } = await open(engine, remote(counts));
    const uri = 'mxc://there.test/abc';
    expect(await Promise.all([read(media, uri), read(media, uri)])).toEqual(['from there', 'from there']);
    expect(await read(media, uri)).toBe('from there');
    expect(counts.fetched).toBe(1);
    const content = await media.contents.find(address(uri), asked);
    expect(content).toMatchObject({ contentType: 'text/html', fileName: 'ab.html', isLocal: false });
    await clock.pass(100 * DAY_MS);
    age(folder);
    expect(await media.collectGarbage(false)).toMatchObject({ unusedCopies: 1, contents: 1 });
    expect(await read(media, uri)).toBe('from there');
    expect(counts.fetched).toBe(2);
  });

  test('are not fetched for who may not have them', async () => {
    const counts = { fetched: 0 };
    const { media } = await open(engine, remote(counts));
    expect(await refusal(read(media, 'mxc://there.test/abc', { mayFetch: false }))).toBe('M_NOT_FOUND');
    expect(await refusal(read(media, 'mxc://there.test/abc', { hasToken: false }))).toBe('M_NOT_FOUND');
    expect(counts.fetched).toBe(0);
    expect(await refusal(read(media, 'mxc://there.test/none'))).toBe('M_NOT_FOUND');
    const large = media.contents.find(address('mxc://there.test/large'), asked);
    await expect(large).rejects.toMatchObject({ errcode: 'M_TOO_LARGE', status: 502 });
  });

  test('in quarantine are not fetched anew', async () => {
    const counts = { fetched: 0 };
    const { media, clock } = await open(engine, remote(counts));
    const uri = 'mxc://there.test/abc';
    await read(media, uri);
    await media.contents.setQuarantined(address(uri), true);
    await clock.pass(100 * DAY_MS);
    await media.collectGarbage(false);
    expect(await refusal(read(media, uri))).toBe('M_NOT_FOUND');
    expect(counts.fetched).toBe(1);
  });
});

test('media uploaded before the freeze can be read without a token after it, later media cannot', async () => {
  const { media, reopen } = await open(sqlite, undefined, 'open');
  const before = await media.uploads.upload(1, bytes(Buffer.from('before')), undefined);
  expect(await read(media, before, { hasToken: false })).toBe('before');
  const frozen = await reopen('frozen');
  const after = await frozen.uploads.upload(1, bytes(Buffer.from('after')), undefined);
  expect(await read(frozen, before, { hasToken: false })).toBe('before');
  expect(await refusal(read(frozen, after, { hasToken: false }))).toBe('M_NOT_FOUND');
  expect(await read(frozen, after)).toBe('after');
  expect(await read(await reopen('open'), after, { hasToken: false })).toBe('after');
});
