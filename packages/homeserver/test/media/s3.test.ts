import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';
import { download, fetchBytes, thumbnail, upload } from './client.ts';
import { png } from './images.ts';
import { ACCESS_KEY, BUCKET, REGION, type S3Server, SECRET_KEY, startS3 } from './s3-server.ts';

const settings = (endpoint: string) => ({
  endpoint,
  bucket: BUCKET,
  region: REGION,
  access_key: ACCESS_KEY,
  secret_key: SECRET_KEY,
  prefix: 'hearth/',
});

let s3: S3Server;
let server: TestServer;
let alice: TestUser;
beforeAll(async () => {
  s3 = await startS3();
  server = await startServer({ config: { media: { s3: settings(s3.url) } } });
  alice = await server.user();
});
afterAll(async () => {
  await server.close();
  await s3.close();
});

describe('media in a bucket', () => {
  test.each([0, 1, 100_000, 1_500_000])('come back as they were: %i bytes', async (length) => {
    const content = randomBytes(length);
    const address = await upload(alice, content);
    expect((await download(alice, address)).bytes.equals(content)).toBe(true);
    expect([...s3.objects.values()].some(({ bytes }) => bytes.equals(content))).toBe(true);
    expect([...s3.objects.keys()].every((key) => /^hearth\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(key))).toBe(true);
    expect(
      globSync('media/**/*', { cwd: server.dataDir, withFileTypes: true }).filter((entry) => entry.isFile()),
    ).toEqual([]);
  });

  test('are sent in part, and stored once', async () => {
    const content = randomBytes(1_000_000);
    const before = s3.objects.size;
    const address = await upload(alice, content);
    await upload(alice, content);
    expect(s3.objects.size).toBe(before + 1);
    const { status, bytes } = await download(alice, address, { range: 'bytes=500000-600000' });
    expect([status, bytes.equals(content.subarray(500_000, 600_001))]).toEqual([206, true]);
  });

  test('have thumbnails there as well', async () => {
    const before = s3.objects.size;
    const reply = await thumbnail(alice, await upload(alice, png(300, 200)), 'width=32&height=32&method=crop');
    expect(reply.status).toBe(200);
    expect(s3.objects.size).toBe(before + 2);
  });

  test('are faults when the service refuses or has lost them; no wrong content is answered', async () => {
    const address = await upload(alice, randomBytes(1_000));
    s3.objects.clear();
    expect(await download(alice, address)).toMatchObject({ status: 500, json: { errcode: 'M_UNKNOWN' } });
    expect(server.faults.splice(0)).toHaveLength(1);
    const wrong = { ...settings(s3.url), secret_key: 'wrong' };
    const other = await startServer({ config: { media: { s3: wrong } } });
    const { token } = await other.user();
    const body = randomBytes(10);
    const refused = await fetchBytes(other, '/_matrix/media/v3/upload', { method: 'POST', token, body });
    expect(refused).toMatchObject({ status: 500, json: { errcode: 'M_UNKNOWN' } });
    expect(String(other.faults.splice(0)[0])).toContain('SignatureDoesNotMatch');
    await other.close();
  });

  test('without a reference are listed page by page and removed', async () => {
    s3.objects.clear();
    const kept = randomBytes(50);
    const address = await upload(alice, kept);
    const orphans = Array.from({ length: 5 }, () => randomBytes(32).toString('hex'));
    const modified = '2020-01-01T00:00:00Z';
    for (const hash of orphans) {
      s3.objects.set(`hearth/${hash.slice(0, 2)}/${hash.slice(2)}`, { bytes: Buffer.from('x'), modified });
    }
    s3.objects.set('hearth/notes.txt', { bytes: Buffer.from('not ours'), modified });
    const { S3Store } = await import('../../src/media/blobs/s3-store.ts');
    const { endpoint, bucket, region, prefix } = settings(s3.url);
    const store = new S3Store({ endpoint, bucket, region, prefix, accessKey: ACCESS_KEY, secretKey: SECRET_KEY });
    const listed: string[] = [];
    for await (const page of store.list()) listed.push(...page.map(({ hash }) => hash));
    expect(listed).toHaveLength(6);
    expect(listed).toEqual(expect.arrayContaining(orphans));
    for (const hash of orphans) await store.remove(hash);
    store.close();
    expect(s3.objects.size).toBe(2);
    expect((await download(alice, address)).bytes.equals(kept)).toBe(true);
  });
});
