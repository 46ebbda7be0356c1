import { globSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';
import { makeThumbnail } from '../../src/media/thumbnails/make-thumbnail.ts';
import { chooseSize, thumbnailSize } from '../../src/media/thumbnails/thumbnail-size.ts';
import { fetchBytes, thumbnail, upload } from './client.ts';
import { gif, png } from './images.ts';

const PIXELS_MAX = 1_000_000;

let server: TestServer;
let alice: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { media: { image_pixels: PIXELS_MAX } } });
  alice = await server.user();
});
afterAll(() => server.close());

const stored = () => globSync('media/?/*', { cwd: server.dataDir }).length;

async function shape(bytes: Buffer): Promise<string> {
  const { width, height, format, pages = 1 } = await sharp(bytes, { animated: true }).metadata();
  return `${format} ${width}x${height / pages}${pages > 1 ? ` of ${pages}` : ''}`;
}

describe('a thumbnail', () => {
  test.each([
    ['width=32&height=32&method=crop', 'png 32x32'],
    ['width=20&height=30&method=crop', 'png 32x32'],
    ['width=32&height=32&method=scale', 'png 48x32'],
    ['width=32&height=32', 'png 48x32'],
    ['width=100&height=100&method=crop', 'png 320x320'],
    ['width=300&height=200&method=crop', 'png 320x240'],
    ['width=320&height=240', 'png 360x240'],
  ])('for %s of an image of 600x400 is %s', async (query, expected) => {
    const address = await upload(alice, png(600, 400), { type: 'image/png', name: 'a.png' });
    const { status, headers, bytes } = await thumbnail(alice, address, query);
    expect(status).toBe(200);
    expect(await shape(bytes)).toBe(expected);
    expect(headers.get('content-type')).toBe('image/png');
    expect(headers.get('content-disposition')).toBe('inline; filename="thumbnail.png"');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('is a JPEG for a JPEG, with its orientation applied', async () => {
    const image = await sharp(png(600, 400)).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const reply = await thumbnail(alice, await upload(alice, image), 'width=96&height=96');
    expect(reply.headers.get('content-type')).toBe('image/jpeg');
    expect(await shape(reply.bytes)).toBe('jpeg 96x144');
  });

  test('is the image itself when the image is smaller', async () => {
    const image = png(120, 80);
    const address = await upload(alice, image, { type: 'image/png' });
    for (const query of ['width=640&height=480', 'width=320&height=240&method=crop', 'width=5000&height=5000']) {
      expect((await thumbnail(alice, address, query)).bytes.equals(image)).toBe(true);
    }
  });

  test('has a type that browsers may show even if the image has none', async () => {
    const image = await sharp(png(50, 40)).avif().toBuffer();
    const reply = await thumbnail(alice, await upload(alice, image), 'width=640&height=480');
    expect(await shape(reply.bytes)).toBe('jpeg 50x40');
  });

  test('is made once for all who ask at the same time, and kept', async () => {
    const address = await upload(alice, png(601, 400), { type: 'image/png' });
    const before = stored();
    const replies = await Promise.all(Array.from({ length: 8 }, () => thumbnail(alice, address, 'width=32&height=32')));
    expect(new Set(replies.map(({ bytes }) => bytes.toString('hex'))).size).toBe(1);
    expect(stored()).toBe(before + 1);
    expect((await thumbnail(alice, address, 'width=30&height=31')).headers.get('etag')).toBe(
      replies[0]?.headers.get('etag'),
    );
    expect(stored()).toBe(before + 1);
  });

  test.each([
    ['&animated=true', 'webp 96x96 of 3'],
    ['&animated=false', 'jpeg 96x96'],
    ['', 'jpeg 96x96'],
  ])('for an animated image, with "%s", is %s', async (query, expected) => {
    const address = await upload(alice, gif(120, 120, 3), { type: 'image/gif' });
    const reply = await thumbnail(alice, address, `width=96&height=96&method=crop${query}`);
    expect(reply.status).toBe(200);
    expect((await shape(reply.bytes)).replace('png', 'jpeg')).toBe(expected);
  });

  test('is animated for a small animated image only if the client asks for that', async () => {
    const image = gif(20, 20, 2);
    const address = await upload(alice, image, { type: 'image/gif' });
    expect((await thumbnail(alice, address, 'width=96&height=96&animated=true')).bytes.equals(image)).toBe(true);
    expect(await shape((await thumbnail(alice, address, 'width=96&height=96')).bytes)).toMatch(/^(png|jpeg) 20x20$/);
  });

  test('is not had without a token', async () => {
    const address = await upload(alice, png(40, 40));
    expect((await fetchBytes(server, `/_matrix/client/v1/media/thumbnail/${address}?width=32&height=32`)).status).toBe(
      401,
    );
    expect((await fetchBytes(server, `/_matrix/media/v3/thumbnail/${address}?width=32&height=32`)).status).toBe(404);
  });
});

describe('no thumbnail', () => {
  test.each([
    ['text', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['a page', Buffer.from('<html><script>alert(1)</script></html>')],
    [
      'a drawing that has a script in it',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>'),
    ],
    ['a document', Buffer.from('%PDF-1.7\n1 0 obj\n')],
    ['half an image', png(600, 400).subarray(0, 60)],
    ['an image that is damaged', Buffer.concat([png(600, 400).subarray(0, 100), Buffer.alloc(500, 1)])],
  ])('is made of %s', async (_, content) => {
    const reply = await thumbnail(alice, await upload(alice, content, { type: 'image/png' }), 'width=32&height=32');
    expect(reply).toMatchObject({ status: 400, json: { errcode: 'M_UNKNOWN' } });
    expect(server.faults).toEqual([]);
  });

  test('is made of an image that would fill the memory', async () => {
    for (const bomb of [png(1, 1, { width: 60_000, height: 60_000 }), png(2_000, 600)]) {
      const reply = await thumbnail(alice, await upload(alice, bomb), 'width=32&height=32');
      expect(reply).toMatchObject({ status: 413, json: { errcode: 'M_TOO_LARGE' } });
    }
  });

  test('is made of a drawing even if somebody has taken it for an image', async () => {
    const drawing = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"/>');
    const request = { size: undefined, method: 'crop', animated: false, pixelsMax: PIXELS_MAX } as const;
    await expect(makeThumbnail(drawing, 'image/avif', request)).rejects.toThrow('unsupported image format');
    await expect(makeThumbnail(png(9, 9), 'image/avif', request)).resolves.toMatchObject({ contentType: 'image/jpeg' });
  });

  test('moves that has too many pixels in all', async () => {
    const address = await upload(alice, gif(200, 200, 30), { type: 'image/gif' });
    const reply = await thumbnail(alice, address, 'width=96&height=96&method=crop&animated=true');
    expect(await shape(reply.bytes)).toMatch(/^(png|jpeg) 96x96$/);
  });

  test.each(['width=0&height=1', 'width=-1&height=1', 'width=a&height=1', 'width=1', 'width=1&height=1&method=x'])(
    'is there for %s',
    async (query) => {
      const address = await upload(alice, png(40, 40));
      expect((await thumbnail(alice, address, query)).status).toBe(400);
    },
  );
});

describe('sizes', () => {
  const sizes = [
    { width: 32, height: 32 },
    { width: 320, height: 240 },
    { width: 320, height: 320 },
  ];

  test('are chosen not smaller than asked for', () => {
    expect(chooseSize(sizes, { width: 33, height: 1 }, 'scale')).toEqual({ width: 320, height: 240 });
    expect(chooseSize(sizes, { width: 100, height: 100 }, 'crop')).toEqual({ width: 320, height: 320 });
    expect(chooseSize(sizes, { width: 321, height: 1 }, 'crop')).toBeUndefined();
  });

  test('never make an image larger', () => {
    const image = { width: 100, height: 1_000 };
    expect(thumbnailSize(image, { width: 200, height: 200 }, 'scale')).toEqual(image);
    expect(thumbnailSize(image, { width: 200, height: 200 }, 'crop')).toEqual({ width: 100, height: 200 });
    expect(thumbnailSize(image, { width: 50, height: 50 }, 'scale')).toEqual({ width: 50, height: 500 });
    expect(thumbnailSize(image, undefined, 'crop')).toEqual(image);
  });
});
