import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { type BytesReply, download, fetchBytes } from './client.ts';

/** The system's clock, which a test can put forward. */
let aheadMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadMs };

let server: TestServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { media: { pending: 3, pending_minutes: 10 } }, machine: { clock } });
  [alice, bob] = [await server.user(), await server.user()];
});
afterAll(() => server.close());

async function create(user: TestUser): Promise<{ address: string; expires: number }> {
  const reply = await user.post<{ content_uri: string; unused_expires_at: number }>('/_matrix/media/v1/create');
  return { address: reply.content_uri.slice('mxc://'.length), expires: reply.unused_expires_at };
}

function fill(user: TestUser, address: string, body: Uint8Array = randomBytes(10)): Promise<BytesReply> {
  return fetchBytes(server, `/_matrix/media/v3/upload/${address}?filename=later.bin`, {
    method: 'PUT',
    token: user.token,
    headers: { 'Content-Type': 'application/octet-stream' },
    body,
  });
}

function read(user: TestUser, address: string, timeoutMs: number): Promise<BytesReply> {
  return fetchBytes(server, `/_matrix/client/v1/media/download/${address}?timeout_ms=${timeoutMs}`, {
    token: user.token,
  });
}

describe('an id that is made before its content', () => {
  test('gets it once, from the user who made it', async () => {
    const { address, expires } = await create(alice);
    expect(expires - clock.now()).toBeGreaterThan(9 * 60_000);
    expect(await read(bob, address, 0)).toMatchObject({ status: 504, json: { errcode: 'M_NOT_YET_UPLOADED' } });
    expect(await fill(bob, address)).toMatchObject({ status: 403, json: { errcode: 'M_FORBIDDEN' } });
    const content = randomBytes(600_000);
    expect(await fill(alice, address, content)).toMatchObject({ status: 200, json: {} });
    const reply = await download(bob, address);
    expect(reply.bytes.equals(content)).toBe(true);
    expect(reply.headers.get('content-disposition')).toBe('attachment; filename="later.bin"');
    expect(await fill(alice, address)).toMatchObject({ status: 409, json: { errcode: 'M_CANNOT_OVERWRITE_MEDIA' } });
  });

  test('gets it from one of two who bring it at the same time', async () => {
    const { address } = await create(alice);
    const replies = await Promise.all([fill(alice, address), fill(alice, address)]);
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 409]));
  });

  test('is waited for by those who read it', async () => {
    const { address } = await create(alice);
    const readers = [read(bob, address, 20_000), read(alice, address, 20_000)];
    const early = await read(bob, address, 100);
    expect(early).toMatchObject({ status: 504, json: { errcode: 'M_NOT_YET_UPLOADED' } });
    await fill(alice, address, Buffer.from('here'));
    for (const reader of readers) expect((await reader).bytes.toString()).toBe('here');
  });

  test('expires, and then does not exist', async () => {
    const { address } = await create(alice);
    aheadMs += 11 * 60_000;
    expect(await fill(alice, address)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    expect(await read(bob, address, 0)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
  });

  test('is one of so many for each user', async () => {
    const made = [await create(bob), await create(bob), await create(bob)];
    const path = '/_matrix/media/v1/create';
    const refused = await bob.request('POST', path);
    expect(refused).toMatchObject({ status: 429, json: { errcode: 'M_LIMIT_EXCEEDED' } });
    expect(await fill(bob, made[0]?.address ?? '')).toMatchObject({ status: 200 });
    await create(bob);
    aheadMs += 11 * 60_000;
    await create(bob);
  });

  test('cannot be given a content unless it was created', async () => {
    for (const address of ['hearth.test/nothing', 'elsewhere.test/nothing', 'hearth.test/..%2Fx']) {
      expect(await fill(alice, address)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    }
  });
});

describe('a content in quarantine', () => {
  test('is there for nobody until it is let out again', async () => {
    const admin = await server.admin();
    const { address } = await create(alice);
    await fill(alice, address, Buffer.from('bad'));
    const command = (verb: string) => `/_synapse/admin/v1/media/${verb}/${address}`;
    expect((await alice.request('POST', command('quarantine'))).status).toBe(403);
    await admin.post(command('quarantine'));
    for (const user of [alice, bob, admin]) {
      expect(await download(user, address)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    }
    const missing = await admin.request('POST', '/_synapse/admin/v1/media/quarantine/hearth.test/none');
    expect(missing).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    await admin.post(command('unquarantine'));
    expect((await download(alice, address)).bytes.toString()).toBe('bad');
  });
});

test('the limit of uploads is told, by both paths', async () => {
  for (const path of ['/_matrix/client/v1/media/config', '/_matrix/media/v3/config', '/_matrix/media/r0/config']) {
    expect(await alice.get(path)).toEqual({ 'm.upload.size': 52_428_800 });
  }
});
