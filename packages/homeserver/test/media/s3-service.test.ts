import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';
import { download, thumbnail, upload } from './client.ts';
import { png } from './images.ts';
import { ACCESS_KEY, BUCKET, REGION, SECRET_KEY } from './s3-server.ts';

/** A service with a bucket `media` and the keys of `s3-server.ts`: see "Services for tests" in CONTRIBUTING.md. */
const endpoint = process.env.HEARTH_TEST_S3_URL;

const settings = (prefix: string, secret = SECRET_KEY) => ({
  endpoint: endpoint ?? '',
  bucket: BUCKET,
  region: REGION,
  access_key: ACCESS_KEY,
  secret_key: secret,
  prefix,
});

describe.runIf(endpoint !== undefined)('media in a service that others have made', () => {
  let server: TestServer;
  let alice: TestUser;
  beforeAll(async () => {
    server = await startServer({ config: { media: { s3: settings(`test-${randomBytes(8).toString('hex')}/`) } } });
    alice = await server.user();
  });
  afterAll(() => server.close());

  test.each([0, 1, 100_000, 8_000_000])('come back as they were: %i bytes', async (length) => {
    const content = randomBytes(length);
    expect((await download(alice, await upload(alice, content))).bytes.equals(content)).toBe(true);
  });

  test('are sent in part, after a restart too', async () => {
    const content = randomBytes(1_000_000);
    const address = await upload(alice, content);
    await server.restart();
    const { status, bytes } = await download(alice, address, { range: 'bytes=500000-600000' });
    expect([status, bytes.equals(content.subarray(500_000, 600_001))]).toEqual([206, true]);
  });

  test('have thumbnails', async () => {
    const address = await upload(alice, png(300, 200));
    expect((await thumbnail(alice, address, 'width=32&height=32&method=crop')).status).toBe(200);
  });

  test('are not taken with a wrong secret', async () => {
    const other = await startServer({ config: { media: { s3: settings('wrong/', 'not the secret') } } });
    const bob = await other.user();
    await expect(upload(bob, randomBytes(1_000))).rejects.toThrow();
    await other.close();
  });
});
