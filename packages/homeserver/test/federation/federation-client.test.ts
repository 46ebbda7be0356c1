import { gzipSync } from 'node:zlib';
import { verifyKey } from '@hearth/protocol/signing/ed25519.ts';
import { parseAuthorization, verifyRequest } from '@hearth/protocol/signing/request.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { Destinations } from '../../src/federation/client/destinations.ts';
import { FederationClient } from '../../src/federation/client/federation-client.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { OwnKeys } from '../../src/federation/keys/own-keys.ts';
import { Permits } from '../../src/federation/permits.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import type { HttpsRequest, HttpsTarget } from '../../src/platform/outbound/https-pool.ts';
import { type IncomingReply, OutboundError } from '../../src/platform/outbound/reply.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { keyOf, nameOf } from './support/peer.ts';

const US = nameOf('us.example');
const PEER = nameOf('peer.example');
const MIN_MS = 1_000;
const MAX_MS = 3_600_000;

const targetTo = (host: string): HttpsTarget => ({ host, port: 8448, certificateName: PEER, hostHeader: PEER });
const unsent = () => new OutboundError('no answer: ECONNREFUSED', false, true);

function reply(status: number, body: string | Buffer, encoding?: string): IncomingReply {
  const chunks = async function* () {
    yield Promise.resolve(Buffer.from(body));
  };
  return {
    status,
    contentType: 'application/json',
    length: undefined,
    header: (name) => (name === 'content-encoding' ? encoding : undefined),
    chunks,
    receive: async (take) => {
      for await (const chunk of chunks()) await take(chunk);
    },
    close: () => {},
  };
}

let clock: ManualClock;
let destinations: Destinations;
let sent: { readonly target: HttpsTarget; readonly request: HttpsRequest }[];
/** The answer of the network to each request. */
let network: (target: HttpsTarget, signal: AbortSignal) => Promise<IncomingReply>;
let targets: HttpsTarget[];
beforeEach(() => {
  clock = new ManualClock();
  destinations = new Destinations(clock, systemRandom, { minMs: MIN_MS, maxMs: MAX_MS }, silentLog);
  sent = [];
  network = () => Promise.resolve(reply(200, '{"a":1}'));
  targets = [targetTo('a')];
});

const ownKeys = new OwnKeys(US, keyOf(1), [], new ManualClock());

function client() {
  return new FederationClient({
    ownKeys,
    permits: new Permits(['*'], ['denied.example']),
    discovery: { targetsOf: () => Promise.resolve(targets) },
    pool: {
      send: (target, request, signal) => {
        sent.push({ target, request });
        return network(target, signal);
      },
    },
    destinations,
    clock,
    metrics: noMetrics,
  });
}

const get = (path = '/x') => ({ method: 'GET', path }) as const;
const kind = (promise: Promise<unknown>) =>
  promise.then(
    () => 'answered',
    (error: unknown) => (error instanceof FederationError ? error.kind : `not expected: ${String(error)}`),
  );

describe('a request to another server', () => {
  test('is signed for that server with its path and content', async () => {
    await client().request(PEER, {
      method: 'PUT',
      path: '/_matrix/x?y=%20',
      content: { b: [1], a: 'ü', c: undefined },
    });
    const { headers, body, method, path } = sent[0]?.request ?? { headers: {}, body: '', method: '', path: '' };
    const authorization = parseAuthorization(headers.authorization ?? '');
    const key = verifyKey(ownKeys.signingKey.publicKey);
    if (authorization === undefined || key === undefined) throw new Error('not signed');
    const content = JSON.parse(body ?? '') as Record<string, string>;
    const signed = { method, uri: path, origin: US, destination: PEER, content };
    expect(verifyRequest(signed, authorization, key)).toBe(true);
    expect(authorization.destination).toBe(PEER);
  });

  test('is not signed if it asks for keys', async () => {
    await client().request(PEER, { ...get(), isForKeys: true });
    expect(sent[0]?.request.headers).not.toHaveProperty('authorization');
  });

  test.each(['denied.example', 'DENIED.example:80', US, 'not a name', ''])('is not sent to %j', async (server) => {
    expect(await kind(client().request(server, get()))).toBe('not-permitted');
    expect(sent).toEqual([]);
  });

  test('goes to the next target only if the first cannot be connected to', async () => {
    targets = ['a', 'b', 'c'].map(targetTo);
    network = ({ host }) => (host === 'b' ? Promise.resolve(reply(200, '{}')) : Promise.reject(unsent()));
    await client().request(PEER, get());
    expect(sent.map(({ target }) => target.host)).toEqual(['a', 'b']);
    sent = [];
    network = () => Promise.reject(new OutboundError('no answer: ECONNRESET'));
    expect(await kind(client().request(PEER, get()))).toBe('no-answer');
    expect(sent.map(({ target }) => target.host)).toEqual(['a']);
  });

  test.each([
    [200, '[]', 'no-answer'],
    [200, 'text', 'no-answer'],
    [200, '{"a":1,"a":2}', 'over-limit'],
    [200, `{"a":"${'x'.repeat(200)}"}`, 'over-limit'],
    [404, '{"errcode":"M_NOT_FOUND"}', 'refused'],
    [404, '{"errcode":"M_NOT_FOUND","errcode":"M_UNKNOWN"}', 'refused'],
    [500, 'text', 'refused'],
    [502, '{}', 'no-answer'],
    [521, '', 'no-answer'],
    [301, '', 'refused'],
  ])('fails with an answer of status %d and body %s: %s', async (status, body, expected) => {
    network = () => Promise.resolve(reply(status, body));
    expect(await kind(client().request(PEER, { ...get(), answerBytesMax: 100 }))).toBe(expected);
  });

  test.each([
    [404, 'refused'],
    [502, 'no-answer'],
  ])('fails with an error page of status %d that is too long: %s', async (status, expected) => {
    network = () => Promise.resolve(reply(status, 'x'.repeat(70_000)));
    expect(await kind(client().request(PEER, get()))).toBe(expected);
  });

  test('may have a compressed answer, whose length is limited when it is decompressed', async () => {
    const zipped = (length: number) => reply(200, gzipSync(JSON.stringify({ a: 'x'.repeat(length) })), 'gzip');
    network = () => Promise.resolve(zipped(50));
    expect(await client().request(PEER, { ...get(), answerBytesMax: 100 })).toEqual({ a: 'x'.repeat(50) });
    expect(sent[0]?.request.headers['accept-encoding']).toBe('gzip');
    network = () => Promise.resolve(zipped(10_000));
    expect(await kind(client().request(PEER, { ...get(), answerBytesMax: 100 }))).toBe('over-limit');
    destinations.alive(PEER);
    network = () => Promise.resolve(reply(200, '{}', 'gzip'));
    expect(await kind(client().request(PEER, get()))).toBe('no-answer');
  });

  test.each([
    ['is too long', `{"a":"${'x'.repeat(400)}"}`],
    ['is nested too deeply', `{"a":${'['.repeat(120)}${']'.repeat(120)}}`],
  ])('is sent again at once after an answer that %s', async (_, body) => {
    network = () => Promise.resolve(reply(200, body));
    for (let i = 0; i < 3; i += 1) {
      expect(await kind(client().request(PEER, { ...get(), answerBytesMax: 300 }))).toBe('over-limit');
    }
    expect(sent).toHaveLength(3);
    expect(destinations.waitMs(PEER)).toBe(0);
  });

  test('keeps the status and code of a refusal for the program', async () => {
    network = () => Promise.resolve(reply(404, '{"errcode":"M_UNRECOGNIZED"}'));
    const error = await client()
      .request(PEER, get())
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ status: 404, errcode: 'M_UNRECOGNIZED' });
  });

  test('ends in time', async () => {
    network = (_, signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new OutboundError('the answer took too long'))),
      );
    const result = kind(client().request(PEER, { ...get(), timeoutMs: 500 }));
    await clock.pass(500);
    expect(await result).toBe('no-answer');
  });

  test('waits for other requests to the same server, and not for those to other servers', async () => {
    const blocked = Promise.withResolvers<IncomingReply>();
    network = () => (sent.at(-1)?.request.path === '/other' ? Promise.resolve(reply(200, '{}')) : blocked.promise);
    const busy = client();
    const all = Array.from({ length: 120 }, () => kind(busy.request(PEER, get())));
    expect(await kind(busy.request('other.example', get('/other')))).toBe('answered');
    expect(sent).toHaveLength(8 + 1);
    blocked.resolve(reply(200, '{}'));
    const results = await Promise.all(all);
    expect(results.filter((each) => each === 'busy')).toHaveLength(12);
    expect(results.filter((each) => each === 'answered')).toHaveLength(108);
  });

  test('does not wait for requests to servers that have not answered the last time', async () => {
    const dead = Array.from({ length: 300 }, (_, i) => `dead${i}.example`);
    network = () => Promise.reject(unsent());
    const busy = client();
    await Promise.all(dead.map((server) => kind(busy.request(server, get()))));
    clock.skip(MIN_MS);
    const hanging = Promise.withResolvers<IncomingReply>();
    network = () => (sent.at(-1)?.request.path === '/alive' ? Promise.resolve(reply(200, '{}')) : hanging.promise);
    const all = dead.map((server) => kind(busy.request(server, get())));
    expect(await kind(busy.request(PEER, get('/alive')))).toBe('answered');
    hanging.resolve(reply(200, '{}'));
    expect(new Set(await Promise.all(all))).toEqual(new Set(['answered']));
  });

  test('counts as a failure of the server only if it was sent', async () => {
    network = (_, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new OutboundError('late'))));
    const busy = client();
    const long = Array.from({ length: 8 }, () => kind(busy.request(PEER, { ...get(), timeoutMs: 60_000 })));
    const short = kind(busy.request(PEER, { ...get(), timeoutMs: 500 }));
    await clock.pass(500);
    await short;
    expect(destinations.waitMs(PEER)).toBe(0);
    await clock.pass(60_000);
    await Promise.all(long);
    expect(destinations.waitMs(PEER)).toBeGreaterThan(0);
  });
});

describe('a request for a file', () => {
  test('is signed unless it says otherwise, and accepts no compressed answer', async () => {
    await client().requestFile(PEER, get());
    await client().requestFile(PEER, { ...get(), isUnsigned: true });
    expect(sent.map(({ request: { headers } }) => Object.keys(headers))).toEqual([['authorization'], []]);
  });

  test('returns the answer when its head has arrived, and its time ends then', async () => {
    let isAborted = false;
    network = (_, signal) => {
      signal.addEventListener('abort', () => {
        isAborted = true;
      });
      return Promise.resolve(reply(200, 'not JSON'));
    };
    const answer = await client().requestFile(PEER, { ...get(), timeoutMs: 500 });
    await clock.pass(10_000);
    expect(isAborted).toBe(false);
    expect((await Array.fromAsync(answer.chunks())).join('')).toBe('not JSON');
  });

  test('does not occupy the slots of other requests', async () => {
    network = () => (sent.at(-1)?.request.path === '/file' ? hanging.promise : Promise.resolve(reply(200, '{}')));
    const hanging = Promise.withResolvers<IncomingReply>();
    const busy = client();
    const files = Array.from({ length: 20 }, () => kind(busy.requestFile(PEER, get('/file'))));
    expect(await kind(busy.request(PEER, get()))).toBe('answered');
    hanging.resolve(reply(200, ''));
    expect(new Set(await Promise.all(files))).toEqual(new Set(['answered']));
  });

  test.each([
    [504, '{"errcode":"M_NOT_YET_UPLOADED"}', 'refused'],
    [502, '{"errcode":"M_TOO_LARGE"}', 'refused'],
    [504, '{"errcode":"M_UNKNOWN"}', 'no-answer'],
    [504, 'text', 'no-answer'],
    [404, '{}', 'refused'],
  ])('fails with an answer of status %d and body %s: %s', async (status, body, expected) => {
    network = () => Promise.resolve(reply(status, body));
    expect(await kind(client().requestFile(PEER, get()))).toBe(expected);
    expect(destinations.isFailing(PEER)).toBe(expected === 'no-answer');
  });
});

describe('a server that does not answer', () => {
  test('is not asked again before its time, which doubles up to an hour', async () => {
    network = () => Promise.reject(unsent());
    const from = client();
    let longest = 0;
    for (let failures = 0; failures < 20; failures++) {
      expect(await kind(from.request(PEER, get()))).toBe('no-answer');
      const waitMs = destinations.waitMs(PEER);
      expect(waitMs).toBeGreaterThanOrEqual(Math.min(MIN_MS * 2 ** failures, MAX_MS) / 2);
      expect(waitMs).toBeLessThanOrEqual(MAX_MS);
      expect(await kind(from.request(PEER, get()))).toBe('backing-off');
      longest = Math.max(longest, waitMs);
      clock.skip(waitMs);
    }
    expect(sent).toHaveLength(20);
    expect(longest).toBeGreaterThanOrEqual(MAX_MS / 2);
  });

  test('has failed once if many requests fail at the same time', async () => {
    network = () => Promise.reject(unsent());
    const from = client();
    await Promise.all(Array.from({ length: 8 }, () => kind(from.request(PEER, get()))));
    expect(destinations.waitMs(PEER)).toBeLessThanOrEqual(MIN_MS);
  });

  test('is asked at once after a sign of life, also by requests for its keys', async () => {
    network = () => Promise.reject(unsent());
    const from = client();
    await kind(from.request(PEER, get()));
    destinations.alive(PEER);
    network = () => Promise.resolve(reply(404, '{}'));
    expect(await kind(from.request(PEER, get()))).toBe('refused');
    network = () => Promise.reject(unsent());
    await kind(from.request(PEER, get()));
    network = () => Promise.resolve(reply(200, '{}'));
    expect(await kind(from.request(PEER, { ...get(), isForKeys: true }))).toBe('answered');
    expect(await kind(from.request(PEER, get()))).toBe('answered');
  });
});
