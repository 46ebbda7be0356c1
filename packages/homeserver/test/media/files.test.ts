import { randomBytes } from 'node:crypto';
import { globSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';
import { download, fetchBytes, upload } from './client.ts';

const UPLOAD_BYTES = 2_000_000;

let server: TestServer;
let alice: TestUser;
beforeAll(async () => {
  server = await startServer({ config: { media: { upload_bytes: UPLOAD_BYTES } } });
  alice = await server.user();
});
afterAll(() => server.close());

/** The files of the store. */
const stored = () => globSync('media/?/*', { cwd: server.dataDir });
const incoming = () => globSync('media/incoming/*', { cwd: server.dataDir });

describe('a file', () => {
  test.each([
    ['nothing', 0],
    ['a byte', 1],
    ['a body that fits into memory', 100_000],
    ['a body that is written in chunks', 1_900_000],
  ])('comes back unchanged: %s', async (_, length) => {
    const content = randomBytes(length);
    const reply = await download(alice, await upload(alice, content, { type: 'image/png' }));
    expect(reply.status).toBe(200);
    expect(reply.bytes.equals(content)).toBe(true);
    expect(reply.headers.get('content-type')).toBe('image/png');
    expect(reply.headers.get('content-length')).toBe(`${length}`);
    expect(incoming()).toEqual([]);
  });

  test('is safe to open in a browser', async () => {
    const { headers } = await download(alice, await upload(alice, 'x', { type: 'text/plain' }));
    expect(headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'; script-src 'none'/);
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  test('is stored once when it comes twice', async () => {
    const content = randomBytes(1_000);
    const before = stored().length;
    const addresses = [await upload(alice, content), await upload(await server.user(), content)];
    expect(new Set(addresses).size).toBe(2);
    expect(stored().length).toBe(before + 1);
    for (const address of addresses) expect((await download(alice, address)).bytes.equals(content)).toBe(true);
  });

  test('may come in chunks of unknown number', async () => {
    const content = randomBytes(700_000);
    const uri = await new Promise<string>((resolve, reject) => {
      const sent = request(
        `${server.url}/_matrix/media/v3/upload`,
        { method: 'POST', headers: { authorization: `Bearer ${alice.token}`, 'content-type': 'a/b' } },
        (response) => response.setEncoding('utf8').on('data', resolve),
      ).on('error', reject);
      for (let at = 0; at < content.length; at += 70_000) sent.write(content.subarray(at, at + 70_000));
      sent.end();
    });
    const address = String(JSON.parse(uri).content_uri).slice('mxc://'.length);
    expect((await download(alice, address)).bytes.equals(content)).toBe(true);
  });

  test('above the size limit is refused, however it comes, and leaves nothing', async () => {
    const body = randomBytes(UPLOAD_BYTES + 1);
    const before = stored().length;
    const known = await fetchBytes(server, '/_matrix/media/v3/upload', { method: 'POST', token: alice.token, body });
    expect(known).toMatchObject({ status: 413, json: { errcode: 'M_TOO_LARGE' } });
    const unknown = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(
        `${server.url}/_matrix/media/v3/upload`,
        { method: 'POST', headers: { authorization: `Bearer ${alice.token}` } },
        (response) => resolve(response.resume().statusCode),
      ).on('error', reject);
      sent.write(body);
      sent.end();
    });
    expect(unknown).toBe(413);
    expect(stored().length).toBe(before);
    await expect.poll(incoming).toEqual([]);
  });

  test('ends the connection when it does not end although it is refused', async () => {
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', () => {});
    const head = `POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${alice.token}\r\n`;
    socket.write(`${head}Content-Length: 100000000000\r\n\r\n`);
    const chunk = Buffer.alloc(4_000_000);
    let sent = 0;
    const more = () => {
      while (!socket.destroyed && socket.writable && sent < 1_000_000_000) {
        sent += chunk.length;
        if (!socket.write(chunk)) return void socket.once('drain', more);
      }
    };
    more();
    await closed;
    expect(answer).toContain('M_TOO_LARGE');
    expect(sent).toBeLessThan(200_000_000);
  });

  test('is empty when the request has no body', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    const head = `Host: x\r\nAuthorization: Bearer ${alice.token}\r\n`;
    socket.write(`POST /_matrix/media/v3/upload HTTP/1.1\r\n${head}\r\n`);
    socket.write(`GET /_matrix/client/v3/account/whoami HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    const answers = Buffer.concat(chunks).toString();
    expect(answers).toContain('"content_uri":"mxc://');
    expect(answers).toContain(`"user_id":"${alice.userId}"`);
  });

  test('leaves nothing when it breaks off', async () => {
    const before = stored().length;
    const { port } = new URL(server.url);
    const socket = connect(Number(port), '127.0.0.1');
    const head = `POST /_matrix/media/v3/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${alice.token}\r\n`;
    socket.write(`${head}Content-Length: 1900000\r\n\r\n`);
    socket.write(randomBytes(900_000));
    await expect.poll(incoming).toHaveLength(1);
    socket.destroy();
    await expect.poll(incoming).toEqual([]);
    expect(stored().length).toBe(before);
    expect(server.faults).toEqual([]);
  });
});

describe('the disposition of a content type', () => {
  test.each([
    ['image/png', 'inline'],
    ['IMAGE/JPEG', 'inline'],
    ['text/plain; charset=utf-8', 'inline'],
    ['video/mp4', 'inline'],
    ['text/html', 'attachment'],
    ['text/html; charset=utf-8', 'attachment'],
    ['image/svg+xml', 'attachment'],
    ['application/xhtml+xml', 'attachment'],
    ['text/xml', 'attachment'],
    ['application/javascript', 'attachment'],
    ['application/pdf', 'attachment'],
    ['application/octet-stream', 'attachment'],
  ])('%s is %s', async (type, disposition) => {
    const { headers } = await download(alice, await upload(alice, '<script>alert(1)</script>', { type }));
    expect(headers.get('content-type')?.toLowerCase()).toBe(type.toLowerCase());
    expect(headers.get('content-disposition')).toBe(disposition);
  });

  test.each(['nonsense', 'a/b; c="\u00e9"', 'text /html', `a/${'x'.repeat(300)}`])(
    '%j is no type: unknown bytes',
    async (type) => {
      const { headers } = await download(alice, await upload(alice, '<script>', { type }));
      expect(headers.get('content-type')).toBe('application/octet-stream');
      expect(headers.get('content-disposition')).toBe('attachment');
    },
  );

  test('is found in the bytes when the client has not declared it', async () => {
    const body = Buffer.from('%PDF-1.7\n1 0 obj\n');
    const reply = await fetchBytes(server, '/_matrix/media/v3/upload', { method: 'POST', token: alice.token, body });
    const address = String(reply.json.content_uri).slice('mxc://'.length);
    const { headers } = await download(alice, address);
    expect(headers.get('content-type')).toBe('application/pdf');
    expect(headers.get('content-disposition')).toBe('attachment');
  });
});

describe('a file name', () => {
  test.each([
    ['data.bin', 'attachment; filename="data.bin"'],
    ['a "b" \\ c.txt', 'attachment; filename="a \\"b\\" \\\\ c.txt"'],
    ['ünï 文.png', `attachment; filename="_n_ _.png"; filename*=UTF-8''%C3%BCn%C3%AF%20%E6%96%87.png`],
    ["it's 100%(*).txt", `attachment; filename="it's 100%(*).txt"; filename*=UTF-8''it%27s%20100%25%28%2A%29.txt`],
    ['👍', `attachment; filename="_"; filename*=UTF-8''%F0%9F%91%8D`],
    ['a\r\nSet-Cookie: b=c', 'attachment; filename="aSet-Cookie: b=c"'],
    ['\u2028\0\t', 'attachment'],
    ['../../etc/passwd', 'attachment; filename="../../etc/passwd"'],
  ])('%j is sent so that it is only a name', async (name, disposition) => {
    const address = await upload(alice, 'x', { name });
    const { headers } = await download(alice, address);
    expect(headers.get('content-disposition')).toBe(disposition);
    expect(headers.get('set-cookie')).toBeNull();
    const other = await download(alice, `${await upload(alice, 'x')}/${encodeURIComponent(name).replace('%00', '')}`);
    expect(other.headers.get('content-disposition')).toBe(disposition);
  });
});

describe('a range', () => {
  const content = Buffer.from('0123456789');
  let address: string;
  beforeAll(async () => {
    address = await upload(alice, content);
  });

  test.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-30', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-100', '89', 'bytes 8-9/10'],
  ])('%s', async (range, text, contentRange) => {
    const { status, bytes, headers } = await download(alice, address, { range });
    expect([status, bytes.toString(), headers.get('content-range')]).toEqual([206, text, contentRange]);
  });

  test.each(['bytes=10-', 'bytes=11-12', 'bytes=-0'])('%s is not there', async (range) => {
    const { status, headers, json } = await download(alice, address, { range });
    expect([status, headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(json.errcode).toBe('M_INVALID_PARAM');
  });

  test.each(['bytes=0-1,3-4', 'lines=1-2', 'bytes=5-2', 'bytes=-', 'bytes=a-b'])('%s is none', async (range) => {
    const { status, bytes } = await download(alice, address, { range });
    expect([status, bytes.toString()]).toEqual([200, '0123456789']);
  });

  test('is read alone, also from the middle of a large file', async () => {
    const large = randomBytes(1_800_000);
    const at = await upload(alice, large);
    const reply = await download(alice, at, { range: 'bytes=1000001-1700000' });
    expect(reply.bytes.equals(large.subarray(1_000_001, 1_700_001))).toBe(true);
  });

  test('and conditions: only what has not changed', async () => {
    const { headers } = await download(alice, address);
    const etag = headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[0-9a-f]{64}"$/);
    for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const reply = await download(alice, address, { 'if-none-match': condition });
      expect([reply.status, reply.bytes.length, reply.headers.get('etag')]).toEqual([304, 0, etag]);
    }
    expect((await download(alice, address, { 'if-none-match': '"x"' })).status).toBe(200);
    expect((await download(alice, address, { range: 'bytes=0-1', 'if-range': '"x"' })).status).toBe(200);
    expect((await download(alice, address, { range: 'bytes=0-1', 'if-range': etag })).status).toBe(206);
  });

  test('HEAD says how long it is and sends nothing', async () => {
    const path = `/_matrix/client/v1/media/download/${address}`;
    const { status, bytes, headers } = await fetchBytes(server, path, { method: 'HEAD', token: alice.token });
    expect([status, bytes.length, headers.get('content-length')]).toEqual([200, 0, '10']);
  });
});

describe('an address', () => {
  test.each([
    `hearth.test/${'x'.repeat(24)}`,
    'hearth.test/..%2F..%2Fhearth.db',
    'hearth.test/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '..%2F..%2F/x',
    'hearth.test/%2e%2e%2fx',
    'hearth.test/a.b',
    'hearth.test/%C3%A9',
    `hearth.test/${'x'.repeat(300)}`,
    'not a server/abc',
  ])('%s leads nowhere', async (address) => {
    const reply = await download(alice, address);
    expect(reply).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    expect((await fetchBytes(server, `/_matrix/media/v3/download/${address}`)).status).toBe(404);
  });

  test('is read with a token only, unless it was uploaded while none was wanted', async () => {
    const frozen = await upload(alice, 'frozen');
    const old = (prefix: string, path: string) => fetchBytes(server, `/_matrix/media/${prefix}/download/${path}`);
    const path = `/_matrix/client/v1/media/download/${frozen}`;
    expect(await fetchBytes(server, path)).toMatchObject({ status: 401, json: { errcode: 'M_MISSING_TOKEN' } });
    for (const prefix of ['v3', 'r0', 'v1']) {
      expect(await old(prefix, frozen)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
    }
    expect((await download(await server.guest(), frozen)).status).toBe(200);
  });
});

test('a file that is gone from the disk is a fault of the server, and said so', async () => {
  const before = new Set(stored());
  const address = await upload(alice, randomBytes(300_000));
  for (const path of stored().filter((each) => !before.has(each))) rmSync(join(server.dataDir, path));
  expect(await download(alice, address)).toMatchObject({ status: 500, json: { errcode: 'M_UNKNOWN' } });
  expect(server.faults.splice(0)).toHaveLength(1);
});
