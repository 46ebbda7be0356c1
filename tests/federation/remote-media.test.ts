import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { download, fetchBytes, thumbnail, upload } from '../../packages/homeserver/test/media/client.ts';
import { png } from '../../packages/homeserver/test/media/images.ts';
import { startFederatingServer } from '../support/federating-server.ts';
import { type Peer, type PeerAnswer, type ReceivedRequest, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const BYTES_MAX = 100_000;

let one: TestServer;
let two: TestServer;
let alice: TestUser;
let bob: TestUser;
let peer: Peer;
/** The answers of the peer, except those with its keys. */
let answer: (request: ReceivedRequest) => PeerAnswer;
beforeAll(async () => {
  const limited = { media: { upload_bytes: BYTES_MAX } };
  [one, two] = [await startFederatingServer('127.0.0.2', limited), await startFederatingServer('127.0.0.3')];
  [alice, bob] = [await one.user('alice'), await two.user('bob')];
  peer = await startPeer((request) => answer(request));
});
beforeEach(() => {
  peer.received.length = 0;
  answer = () => [404, { errcode: 'M_NOT_FOUND' }];
});
afterAll(async () => {
  await Promise.all([one.close(), two.close(), peer.close()]);
  expect([...one.faults, ...two.faults]).toEqual([]);
});

let count = 0;
/** Returns the address of a new media id of the peer. */
const newAddress = () => {
  count += 1;
  return `${peer.name}/m${count}`;
};

/** Returns an answer that sends raw bytes with a content type. */
const raw =
  (contentType: string, body: string | Buffer, headers: Record<string, string> = {}, status = 200): PeerAnswer =>
  (response: ServerResponse) => {
    response.writeHead(status, { 'Content-Type': contentType, ...headers });
    response.end(body);
  };

const MULTIPART = 'multipart/mixed; boundary=b';
const multipart = (head: string, body = '') =>
  raw(MULTIPART, `--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n${head}\r\n\r\n${body}\r\n--b--\r\n`);
const located = (location: string) => multipart(`Location: ${location}`);

describe('a file of another server', () => {
  test.each([0, 1, 70_000])('is downloaded by a user of this server: %i bytes', async (length) => {
    const content = Buffer.alloc(length, 'some\r\n--data');
    const address = await upload(bob, content, { type: 'text/plain', name: 'ü.txt' });
    const reply = await download(alice, address);
    expect([reply.status, reply.bytes.equals(content)]).toEqual([200, true]);
    expect(reply.headers.get('content-type')).toBe('text/plain');
    expect(reply.headers.get('content-disposition')).toContain("filename*=UTF-8''%C3%BC.txt");
    expect(reply.headers.get('content-length')).toBe(`${length}`);
  });

  test('is sent in ranges, from the copy, also when its server is gone', async () => {
    const there = await startFederatingServer('127.0.0.3');
    const address = await upload(await there.user(), '0123456789');
    const range = { Range: 'bytes=2-4' };
    expect(await download(alice, address, range)).toMatchObject({ status: 206, bytes: Buffer.from('234') });
    await there.close();
    expect(await download(alice, address, range)).toMatchObject({ status: 206, bytes: Buffer.from('234') });
    expect((await download(alice, address)).bytes.toString()).toBe('0123456789');
  });

  test('has thumbnails, which are made here', async () => {
    const image = png(60, 40);
    const address = await upload(bob, image, { type: 'image/png' });
    const reply = await thumbnail(alice, address, 'width=32&height=32&method=crop');
    const there = await thumbnail(bob, address, 'width=32&height=32&method=crop');
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'image/png']);
    expect(reply.bytes.equals(there.bytes)).toBe(true);
  });

  test('is fetched once by requests at the same time', async () => {
    answer = () => multipart('Content-Type: text/plain', 'shared');
    const address = newAddress();
    const replies = await Promise.all(Array.from({ length: 10 }, () => download(alice, address)));
    expect(replies.map(({ bytes }) => bytes.toString())).toEqual(replies.map(() => 'shared'));
    expect(peer.received).toHaveLength(1);
  });

  test('is waited for until it is uploaded', async () => {
    const { content_uri: uri } = await bob.post<{ content_uri: string }>('/_matrix/media/v1/create', {});
    const address = uri.slice('mxc://'.length);
    const path = `/_matrix/client/v1/media/download/${address}?timeout_ms=`;
    const early = await fetchBytes(one, `${path}0`, { token: alice.token });
    expect([early.status, early.json.errcode]).toEqual([504, 'M_NOT_YET_UPLOADED']);
    const waiting = fetchBytes(one, `${path}20000`, { token: alice.token });
    const body = Buffer.from('later');
    await fetchBytes(two, `/_matrix/media/v3/upload/${address}`, { method: 'PUT', token: bob.token, body });
    expect((await waiting).bytes.toString()).toBe('later');
  });

  test('is fetched on the connection of the file before it', async () => {
    const ports = new Set<number | undefined>();
    const send = multipart('Content-Type: text/plain', 'x'.repeat(50_000));
    answer = () => (response) => {
      ports.add(response.socket?.remotePort);
      if (typeof send === 'function') send(response);
    };
    for (let i = 0; i < 5; i++) expect((await download(alice, newAddress())).status).toBe(200);
    expect(ports.size).toBe(1);
  });

  test('is asked for again after a failure', async () => {
    const address = newAddress();
    expect((await download(alice, address)).status).toBe(404);
    answer = () => multipart('Content-Type: text/plain', 'now');
    expect((await download(alice, address)).bytes.toString()).toBe('now');
  });

  test('is not fetched for a request that forbids it or has no token', async () => {
    const address = newAddress();
    for (const query of ['', '?allow_remote=false']) {
      expect((await fetchBytes(one, `/_matrix/media/v3/download/${address}${query}`)).status).toBe(404);
    }
    expect(peer.received).toEqual([]);
  });
});

describe('a file of a server that cannot be reached', () => {
  test('gives 502', async () => {
    const reply = await download(alice, 'elsewhere.test/abc');
    expect([reply.status, reply.json.errcode]).toEqual([502, 'M_UNKNOWN']);
  });

  test('gives 404 if this server does not federate', async () => {
    const alone = await startServer({ config: { federation: { enabled: false } } });
    const reply = await download(await alone.user(), 'elsewhere.test/abc');
    expect([reply.status, reply.json.errcode]).toEqual([404, 'M_NOT_FOUND']);
    await alone.close();
  });
});

describe('an answer with a file', () => {
  test.each([
    ['headers in lower case', 'content-type: text/plain\r\ncontent-disposition: inline; filename="a b.txt"'],
    ['headers in capitals', 'CONTENT-TYPE:text/plain\r\nCONTENT-DISPOSITION:attachment;FILENAME="a b.txt"'],
    ['a continued header', 'Content-Type: text/plain\r\nContent-Disposition: attachment;\r\n filename="a b.txt"'],
  ])('may have %s', async (_, head) => {
    answer = () => multipart(head, 'x');
    const reply = await download(alice, newAddress());
    expect([reply.status, reply.headers.get('content-type')]).toEqual([200, 'text/plain']);
    expect(reply.headers.get('content-disposition')).toBe('inline; filename="a b.txt"');
  });

  test.each([
    ['text/html\u0000', 'application/octet-stream'],
    ['no type', 'application/octet-stream'],
    ['Text/HTML; charset=utf-8', 'text/html; charset=utf-8'],
  ])('with the type %j has the type %s here', async (type, expected) => {
    answer = () => multipart(`Content-Type: ${type}`, '<b>');
    const { headers, status } = await download(alice, newAddress());
    expect([status, headers.get('content-type')]).toEqual([200, expected]);
    expect(headers.get('content-disposition')).toBe('attachment');
  });

  test('may have chunks of one byte', async () => {
    answer = () => (response) => {
      response.writeHead(200, { 'Content-Type': 'multipart/mixed; boundary="a b"' });
      const body = Buffer.from('--a b\r\n\r\n{}\r\n--a b\r\nContent-Type: text/plain\r\n\r\n\r\n--a\r\n--a b--');
      const send = (at: number) => {
        if (at < body.length) response.write(body.subarray(at, at + 1), () => setImmediate(send, at + 1));
        else response.end();
      };
      send(0);
    };
    expect((await download(alice, newAddress())).bytes.toString()).toBe('\r\n--a');
  });
});

describe('a redirect', () => {
  const authorizations = () => peer.received.map(({ authorization }) => authorization !== undefined);

  test.each([
    ['a relative URL', (path: string) => path],
    ['an absolute URL', (path: string) => `https://${peer.name}${path}`],
    ['a URL without a scheme', (path: string) => `//${peer.name}${path}`],
  ])('with %s is followed without the signature of this server', async (_, urlOf) => {
    const disposition = { 'Content-Disposition': 'attachment; filename=r.txt' };
    answer = ({ path }) =>
      path === '/cdn/x?y=1' ? raw('text/plain', 'moved', disposition) : located(urlOf('/cdn/x?y=1'));
    const reply = await download(alice, newAddress());
    expect([reply.status, reply.bytes.toString()]).toEqual([200, 'moved']);
    expect(reply.headers.get('content-disposition')).toBe('inline; filename="r.txt"');
    expect(authorizations()).toEqual([true, false]);
  });

  test.each([
    ['to a private address', 'https://10.0.0.1/x'],
    ['to plain HTTP', 'http://127.0.0.1/x'],
    ['to a file', 'file:///etc/passwd'],
    ['with a password', 'https://a:b@127.0.0.1/x'],
    ['to nothing', ''],
    ['to no URL', 'https://'],
  ])('%s is refused', async (_, location) => {
    answer = ({ path }) =>
      path.startsWith('/_matrix/federation') ? located(location) : raw('text/plain', 'x', {}, 500);
    const reply = await download(alice, newAddress());
    expect([reply.status, reply.json.errcode]).toEqual([502, 'M_UNKNOWN']);
  });

  test('to a file that is too large is refused', async () => {
    answer = ({ path }) => (path === '/big' ? raw('text/plain', Buffer.alloc(BYTES_MAX + 1)) : located('/big'));
    expect(await download(alice, newAddress())).toMatchObject({ status: 502, json: { errcode: 'M_TOO_LARGE' } });
  });

  test('to itself ends after a few requests', async () => {
    answer = () => raw('text/plain', '', { Location: `https://${peer.name}/again` }, 302);
    const first = answer;
    answer = (request) =>
      request.path.startsWith('/_matrix') ? located(`https://${peer.name}/again`) : first(request);
    expect((await download(alice, newAddress())).status).toBe(502);
    expect(peer.received.length).toBeLessThan(10);
  });
});

describe('a server without authenticated media', () => {
  test('is asked by the old path, without a signature', async () => {
    answer = ({ path }) =>
      path.startsWith('/_matrix/media/v3/') ? raw('text/plain', 'old') : [404, { errcode: 'M_UNRECOGNIZED' }];
    const address = newAddress();
    expect((await download(alice, address)).bytes.toString()).toBe('old');
    const [, old] = peer.received;
    expect(old?.authorization).toBeUndefined();
    expect(old?.path).toMatch(`/_matrix/media/v3/download/${address}?allow_remote=false&`);
  });

  test.each<[number, string]>([
    [404, 'M_NOT_FOUND'],
    [403, 'M_UNRECOGNIZED'],
    [500, 'M_UNRECOGNIZED'],
  ])('is not assumed after %d %s', async (status, errcode) => {
    answer = () => [status, { errcode }];
    expect((await download(alice, newAddress())).status).toBe(status === 404 ? 404 : 502);
    expect(peer.received).toHaveLength(1);
  });
});

describe('an error of another server', () => {
  test.each<[PeerAnswer, number, string]>([
    [[404, { errcode: 'M_NOT_FOUND', error: 'secret' }], 404, 'M_NOT_FOUND'],
    [[403, { errcode: 'M_FORBIDDEN', error: 'secret' }], 502, 'M_UNKNOWN'],
    [[401, { errcode: 'M_UNKNOWN_TOKEN', error: 'secret' }], 502, 'M_UNKNOWN'],
    [[429, { errcode: 'M_LIMIT_EXCEEDED', error: 'secret' }], 502, 'M_UNKNOWN'],
    [[502, { errcode: 'M_TOO_LARGE', error: 'secret' }], 502, 'M_UNKNOWN'],
    [[504, { errcode: 'M_NOT_YET_UPLOADED', error: 'secret' }], 504, 'M_NOT_YET_UPLOADED'],
    [[200, { secret: 1 }], 502, 'M_UNKNOWN'],
  ])('is not passed on: %j', async (given, status, errcode) => {
    answer = () => given;
    const reply = await download(alice, newAddress());
    expect([reply.status, reply.json.errcode]).toEqual([status, errcode]);
    expect(reply.bytes.toString()).not.toContain('secret');
    // The server has answered, so that the next request is sent at once.
    answer = () => multipart('Content-Type: text/plain', 'alive');
    expect((await download(alice, newAddress())).bytes.toString()).toBe('alive');
  });
});

describe('a hostile server', () => {
  const HEAD = '--b\r\n\r\n{}\r\n--b\r\nContent-Type: text/plain\r\n\r\n';
  /** Returns an answer that never ends, and a promise that resolves when its connection is closed. */
  function endless(head: string, chunk: Buffer | string) {
    const closed = Promise.withResolvers<void>();
    const send = (response: ServerResponse) => {
      response.writeHead(200, { 'Content-Type': MULTIPART });
      response.on('close', () => closed.resolve());
      response.write(head);
      const more = () => {
        if (!response.destroyed) response.write(chunk, () => setImmediate(more));
      };
      more();
    };
    answer = () => send;
    return closed.promise;
  }

  test.each([
    ['a file without an end', HEAD, Buffer.alloc(10_000), 'M_TOO_LARGE'],
    ['headers without an end', '--b\r\n', 'A: b\r\n', 'M_UNKNOWN'],
    ['a header without an end', '--b\r\nA: ', 'b'.repeat(100), 'M_UNKNOWN'],
    ['a continued header without an end', '--b\r\nA: b\r\n', ' c\r\n', 'M_UNKNOWN'],
    ['a first part without an end', '--b\r\n\r\n', 'x'.repeat(100), 'M_UNKNOWN'],
    ['no boundary', '', 'x'.repeat(100), 'M_UNKNOWN'],
  ])('is disconnected when it sends %s', async (_, head, chunk, errcode) => {
    const closed = endless(head, chunk);
    const reply = await download(alice, newAddress());
    expect([reply.status, reply.json.errcode]).toEqual([502, errcode]);
    await closed;
  });

  test('is disconnected when it sends text without an end after the file, and the file is used', async () => {
    const closed = endless(`${HEAD}file\r\n--b--`, 'x'.repeat(1_000));
    expect((await download(alice, newAddress())).bytes.toString()).toBe('file');
    await closed;
  });

  test.each<[string, PeerAnswer]>([
    ['a file that is too large', multipart('A: b', 'x'.repeat(BYTES_MAX + 1))],
    ['another boundary', raw('multipart/mixed; boundary=c', `${HEAD}x\r\n--b--`)],
    ['no boundary in the type', raw('multipart/mixed', `${HEAD}x\r\n--b--`)],
    ['an empty boundary', raw('multipart/mixed; boundary=""', '--\r\n\r\n{}\r\n--\r\n\r\nx\r\n----')],
    ['no second part', raw(MULTIPART, '--b\r\n\r\n{}\r\n--b--')],
    ['no end', raw(MULTIPART, `${HEAD}x`)],
    ['nothing', raw(MULTIPART, '')],
    ['a header without a colon', multipart('text')],
    ['a compressed answer', raw(MULTIPART, `${HEAD}x\r\n--b--`, { 'Content-Encoding': 'gzip' })],
    [
      'a body that is cut off',
      (response) =>
        response
          .writeHead(200, { 'Content-Type': MULTIPART, 'Content-Length': '9999' })
          .write(HEAD, () => response.destroy()),
    ],
  ])('causes 502 and no stored file when it sends %s', async (_, given) => {
    answer = () => given;
    const stored = () => one.look<{ count: number }>('SELECT count(*) AS count FROM media');
    const before = await stored();
    const reply = await download(alice, newAddress());
    expect(reply.status).toBe(502);
    expect(reply.json.errcode).toMatch(/^M_(UNKNOWN|TOO_LARGE)$/);
    expect(await stored()).toEqual(before);
  });
});
