import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type BytesReply,
  download,
  fetchBytes,
  type UploadOptions,
  upload,
} from '../../packages/homeserver/test/media/client.ts';
import { png } from '../../packages/homeserver/test/media/images.ts';
import { request } from '../support/client.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { FEDERATING, type Peer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const HERE = 'hearth.test';

describe.each(TEST_ENGINES)('a request of another server for media on $name', ({ postgres }) => {
  let server: TestServer;
  let peer: Peer;
  let alice: TestUser;
  beforeAll(async () => {
    [server, peer] = [await startServer({ postgres, config: FEDERATING }), await startPeer()];
    alice = await server.user();
  });
  afterAll(async () => {
    await Promise.all([server.close(), peer.close()]);
    expect(server.faults).toEqual([]);
  });

  const ask = (what: string, headers: Record<string, string> = {}): Promise<BytesReply> => {
    const path = `/_matrix/federation/v1/media/${what}`;
    return fetchBytes(server, path, { headers: { ...headers, ...peer.sign(HERE, 'GET', path) } });
  };
  const store = async (content: Uint8Array | string, options?: UploadOptions) =>
    (await upload(alice, content, options)).replace(`${HERE}/`, '');

  /** Returns the header lines and the bytes of the two parts of an answer. */
  function partsOf({ headers, bytes }: BytesReply) {
    const [, boundary = ''] =
      /^multipart\/mixed; boundary=([0-9a-f]{32,70})$/.exec(headers.get('content-type') ?? '') ?? [];
    const text = bytes.toString('latin1');
    const [before, ...parts] = `\r\n${text}`.split(`\r\n--${boundary}`);
    expect([before, parts[2]]).toEqual(['', '--\r\n']);
    return parts.slice(0, 2).map((part) => {
      const end = part.indexOf('\r\n\r\n');
      return { head: part.slice(2, end).split('\r\n'), body: Buffer.from(part.slice(end + 4), 'latin1') };
    });
  }

  test.each([0, 1, 5_000, 3_000_000])('returns an empty object and the file of %i bytes', async (length) => {
    const content = Buffer.alloc(length, 'data\r\n--');
    const id = await store(content, { type: 'text/plain', name: 'ü.txt' });
    const reply = await ask(`download/${id}`);
    expect(reply.status).toBe(200);
    expect(Number(reply.headers.get('content-length'))).toBe(reply.bytes.length);
    const [json, file] = partsOf(reply);
    expect(json).toEqual({ head: ['Content-Type: application/json'], body: Buffer.from('{}') });
    expect(file?.head).toEqual([
      'Content-Type: text/plain',
      `Content-Disposition: attachment; filename="_.txt"; filename*=UTF-8''%C3%BC.txt`,
    ]);
    expect(file?.body.equals(content)).toBe(true);
  });

  test('returns any range of the answer', async () => {
    const id = await store('some content', { type: 'text/plain' });
    const { bytes } = await ask(`download/${id}`);
    const starts = [0, 1, 100, 150, 200, bytes.length - 80, bytes.length - 70, bytes.length - 1];
    for (const from of starts) {
      for (const to of starts.filter((one) => one >= from)) {
        const part = await ask(`download/${id}`, { Range: `bytes=${from}-${to}` });
        expect([from, to, part.status, part.bytes.toString()]).toEqual([
          from,
          to,
          206,
          bytes.subarray(from, to + 1).toString(),
        ]);
      }
    }
  });

  test('returns a thumbnail', async () => {
    const id = await store(png(600, 400), { type: 'image/png' });
    const reply = await ask(`thumbnail/${id}?width=32&height=32&method=crop`);
    const own = await fetchBytes(
      server,
      `/_matrix/client/v1/media/thumbnail/${HERE}/${id}?width=32&height=32&method=crop`,
      {
        token: alice.token,
      },
    );
    const [, file] = partsOf(reply);
    expect(file?.head).toEqual([
      'Content-Type: image/png',
      'Content-Disposition: attachment; filename="thumbnail.png"',
    ]);
    expect(file?.body.equals(own.bytes)).toBe(true);
  });

  test('is answered with the errors of the specification', async () => {
    const { content_uri: uri } = await alice.post<{ content_uri: string }>('/_matrix/media/v1/create', {});
    const pending = uri.slice(uri.lastIndexOf('/') + 1);
    const text = await store('text');
    const cases: [string, number, string][] = [
      ['download/none', 404, 'M_NOT_FOUND'],
      ['download/..%2Fx', 404, 'M_NOT_FOUND'],
      [`download/${pending}?timeout_ms=0`, 504, 'M_NOT_YET_UPLOADED'],
      [`download/${pending}?timeout_ms=x`, 400, 'M_INVALID_PARAM'],
      ['thumbnail/none?width=1&height=1', 404, 'M_NOT_FOUND'],
      [`thumbnail/${text}?width=1`, 400, 'M_MISSING_PARAM'],
      [`thumbnail/${text}?width=0&height=1`, 400, 'M_INVALID_PARAM'],
      [`thumbnail/${text}?width=1&height=1`, 400, 'M_UNKNOWN'],
      [`thumbnail/${pending}?width=1&height=1&timeout_ms=0`, 504, 'M_NOT_YET_UPLOADED'],
    ];
    for (const [what, status, errcode] of cases) {
      const reply = await ask(what);
      expect([what, reply.status, reply.json.errcode]).toEqual([what, status, errcode]);
    }
  });

  test('is refused without a signature', async () => {
    const id = await store('text');
    const { status, json } = await request(alice, 'GET', `/_matrix/federation/v1/media/download/${id}`);
    expect([status, json.errcode]).toEqual([401, 'M_UNAUTHORIZED']);
  });

  test('waits for a content that is not uploaded yet', async () => {
    const { content_uri: uri } = await alice.post<{ content_uri: string }>('/_matrix/media/v1/create', {});
    const id = uri.slice(uri.lastIndexOf('/') + 1);
    const waiting = ask(`download/${id}?timeout_ms=20000`);
    await fetchBytes(server, `/_matrix/media/v3/upload/${HERE}/${id}`, {
      method: 'PUT',
      token: alice.token,
      body: Buffer.from('later'),
    });
    expect(partsOf(await waiting)[1]?.body.toString()).toBe('later');
  });

  test('returns no file in quarantine', async () => {
    const id = await store('bad');
    const admin = await server.admin();
    await admin.post(`/_synapse/admin/v1/media/quarantine/${HERE}/${id}`, {});
    expect((await ask(`download/${id}`)).status).toBe(404);
    expect((await download(alice, `${HERE}/${id}`)).status).toBe(404);
  });
});
