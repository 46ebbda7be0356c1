import { isDeepStrictEqual } from 'node:util';
import { endpoint } from '@hearth/api/endpoint.ts';
import fc from 'fast-check';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Reply, route } from '../../src/http/route.ts';
import type { HttpServer } from '../../src/http/start.ts';
import { sleep, systemClock } from '../../src/platform/clock.ts';
import { RawConnection } from './raw.ts';
import { serveRoutes, serveWithoutGate } from './server.ts';

/**
 * The gate before `node:http` must never be noticed: whatever arrives in whatever pieces, what goes back is byte for byte
 * what `node:http` alone would have sent, but for the second in `Date`.
 */

const RUNS = Number(process.env.HEARTH_TEST_RUNS ?? 150);
const base = { operation: 'test', access: 'none' } as const;
const routes = [
  route(endpoint({ ...base, method: 'PUT', paths: ['/echo'], body: v.looseObject({}) }), ({ body }) => ({
    length: JSON.stringify(body).length,
  })),
  route(endpoint({ ...base, method: 'POST', paths: ['/bytes'], bodyBytes: true }), async ({ body }) => {
    let length = 0;
    await body.receive((chunk) => {
      length += chunk.length;
      return sleep(systemClock, 0);
    });
    return { length, announced: body.length ?? null, type: body.contentType ?? null };
  }),
  route(endpoint({ ...base, method: 'GET', paths: ['/text'] }), () => ({ text: 'ünï' })),
  route(endpoint({ ...base, method: 'GET', paths: ['/created'] }), () => new Reply(201, {}, { 'X-Name': 'né' })),
  route(endpoint({ ...base, method: 'GET', paths: ['/secret'], access: 'user' }), ({ caller }) => ({
    user: caller.userId,
  })),
];

let gated: HttpServer;
let bare: HttpServer;
beforeAll(async () => {
  [gated, bare] = await Promise.all([serveRoutes(routes), serveWithoutGate(routes)]);
});
afterAll(() => Promise.all([gated.close(), bare.close()]));

const headers = [
  'User-Agent: test',
  'Authorization: Bearer alice',
  'authorization:Bearer nobody',
  'Authorization: \tBearer  alice \t',
  'Content-Type: application/json',
  'Connection: keep-alive',
  'X-Empty:',
  'TE: trailers',
];
const oddHeaders = [
  'Connection: close',
  'Connection: Keep-Alive, x',
  'Connection:',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'X-Space : a',
  'X-Folded: a\r\n b',
  'X-Latin: \xe9',
  'X-Bell: \x07',
  'X-Null: \0',
  'X-Bare: a\nb: c',
  'No colon',
  ': no name',
  'Host: again',
  'Content-Length: 2',
  'Content-Length: +2',
  'Content-Length: 2, 2',
  'Content-Length: 0x2',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding : chunked',
  `X-Long: ${'a'.repeat(17_000)}`,
];
const targets = ['/text', '/text?a=b', '/created', '/secret', '/nowhere', '/echo', '/bytes'];
const oddTargets = ['*', 'http://h/text', '/te xt', '/\xe9', '/text#x', '//', '', '/%', '/"<>{}|\\^`'];
const methods = ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD'];
const body = fc.oneof(
  fc.constantFrom('', '{}', '{"a":"b"}', 'x', '{"é":1}'),
  fc.integer({ min: 0, max: 12_000 }).map((length) => JSON.stringify({ a: 'b'.repeat(length) })),
);

/** Requests as bytes: such as can be read in one way only, or any. */
function request(isOdd: boolean): fc.Arbitrary<string> {
  const mostly = (usual: string, ...odd: string[]) =>
    fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, fc.constantFrom(...(isOdd ? odd : [usual])));
  const some = fc.array(fc.constantFrom(...headers, ...(isOdd ? oddHeaders : [])), { maxLength: 3 });
  const parts = {
    method: fc.constantFrom(...methods, ...(isOdd ? ['PATCH', 'get', 'PRI'] : [])),
    target: fc.constantFrom(...targets, ...targets, ...targets, ...(isOdd ? oddTargets : [])),
    version: mostly('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/1.2', 'http/1.1', ''),
    host: mostly('Host: h', '', 'host:h', 'HOST: h:80'),
    fields: fc.oneof(fc.constant<string[]>([]), isOdd ? some : fc.uniqueArray(fc.constantFrom(...headers))),
    body,
    isChunked: fc.boolean(),
    lineEnd: mostly('\r\n', '\n', '\r'),
  };
  return fc.record(parts).map(({ method, target, version, host, fields, body, isChunked, lineEnd }) => {
    const bytes = Buffer.from(body).toString('latin1');
    const lines = [`${method} ${target} ${version}`, ...(host === '' ? [] : [host]), ...fields];
    if (isChunked) lines.push('Transfer-Encoding: chunked');
    else if (bytes !== '') lines.push(`Content-Length: ${bytes.length}`);
    const head = `${lines.join(lineEnd)}${lineEnd}${lineEnd}`;
    if (!isChunked) return head + bytes;
    return `${head}${bytes === '' ? '' : `${bytes.length.toString(16)}\r\n${bytes}\r\n`}0\r\n\r\n`;
  });
}

interface Sent {
  readonly requests: readonly string[];
  /** Where the bytes are cut, in thousandths of the whole. */
  readonly cuts: readonly number[];
  /** Each request waits for the answers to those before it. Of others the order of answers and refusals is chance. */
  readonly isPatient: boolean;
}

const ordinary = request(false);
const sent: fc.Arbitrary<Sent> = fc.boolean().chain((isPatient) =>
  fc.record({
    requests: fc.array(isPatient ? fc.oneof(ordinary, ordinary, request(true)) : ordinary, {
      minLength: 1,
      maxLength: 6,
    }),
    cuts: fc.array(fc.integer({ min: 1, max: 999 }), { maxLength: 4 }),
    isPatient: fc.constant(isPatient),
  }),
);

/** What a server sends back. @param patience how much longer than on an idle machine to wait for it */
async function exchange(url: string, { requests, cuts, isPatient }: Sent, patience: number) {
  const connection = new RawConnection(url);
  // What is written before that would go out together.
  await connection.opened;
  try {
    for (const text of isPatient ? requests : [requests.join('')]) {
      const places = cuts.map((cut) => Math.floor((cut / 1000) * text.length));
      const at = [...new Set([0, ...places, text.length])].sort((a, b) => a - b);
      for (const [i, from] of at.slice(0, -1).entries()) {
        connection.write(text.slice(from, at[i + 1]));
        await sleep(systemClock, patience);
      }
      if (isPatient) await connection.settled(8 * patience);
    }
    return await connection.settled(25 * patience);
  } finally {
    connection.close();
  }
}

async function both(sent: Sent, patience: number) {
  const [withGate, without] = await Promise.all(
    [gated, bare].map(({ urls: [url = ''] }) => exchange(url, sent, patience)),
  );
  return { withGate, without };
}

test('the gate answers as node:http does, whatever arrives in whatever pieces', { timeout: RUNS * 1000 }, async () => {
  await fc.assert(
    fc.asyncProperty(sent, async (sent) => {
      let { withGate, without } = await both(sent, 1);
      // On a busy machine one of the two may only have been late.
      for (const patience of [5, 25]) {
        if (isDeepStrictEqual(withGate, without)) break;
        ({ withGate, without } = await both(sent, patience));
      }
      expect(withGate).toEqual(without);
    }),
    { numRuns: RUNS },
  );
});
