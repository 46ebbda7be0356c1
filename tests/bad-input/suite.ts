import type { Endpoint } from '@hearth/api/endpoint.ts';
import * as fc from 'fast-check';
import { safeParse } from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf, type QueryValues, type RequestOptions, request, type TestReply } from '../support/client.ts';
import { requestEndpoint } from '../support/endpoint-request.ts';
import { FEDERATING, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';
import { chosenEngine } from './chosen-engine.ts';
import { accepted, keysOf, looksLike, refused } from './from-schema.ts';
import { anyText, DEEP, NO_OBJECT, NOT_JSON, tooLong, UNSTORABLE_TEXTS } from './nonsense.ts';
import { replaceEverywhere } from './replace-everywhere.ts';

/** The seed of the generators. A failure is repeated with its seed. */
const SEED = Number(process.env.HEARTH_SEED ?? 1);
const RUNS = Number(process.env.HEARTH_RUNS ?? 25);
/** The number of requests of each endpoint in which each odd text is tried in each place. */
const SAMPLES = 2;
const found = { seed: SEED, numRuns: RUNS };

/** A server on the engine that the test file has chosen before it imports this module. */
const server: TestServer = await startServer({ postgres: chosenEngine.postgres, config: FEDERATING });
/** A server that signs the requests to endpoints for other servers. */
const peer = await startPeer();
const endpoints: readonly Endpoint[] = server.routes.map(({ endpoint }) => endpoint);
const withBody = endpoints.filter(({ body }) => body !== undefined);
const withQuery = endpoints.filter(({ query }) => query !== undefined && keysOf(query).length > 0);

/** Values for path parameters that the server accepts. */
const USUAL = {
  eventType: 'm.room.message',
  stateKey: '',
  keyName: 'displayname',
  kind: 'content',
  ruleId: '.m.rule.contains_user_name',
  attr: 'enabled',
  receiptType: 'm.read',
  relType: 'm.thread',
  roomAlias: '#bad-input:hearth.test',
  txnId: 't',
  tag: 'u.work',
};

let admin: TestUser;
let known: Readonly<Record<string, string>>;

beforeAll(async () => {
  admin = await server.admin();
  const roomId = await admin.createRoom();
  const eventId = await admin.send(roomId, 'hello');
  const { userId, deviceId } = admin;
  const filterId = (await admin.post<{ filter_id: string }>(pathOf('user', userId, 'filter'), {})).filter_id;
  // The first request of the peer stores its keys.
  await request({ server }, 'GET', `/_matrix/key/v2/query/${encodeURIComponent(peer.name)}`);
  known = { ...USUAL, roomId, roomIdOrAlias: roomId, eventId, userId, deviceId, filterId };
});

afterAll(async () => {
  await server.close();
  await peer.close();
});

/** Sends a request to an endpoint in which everything is valid except the given options. */
function send(endpoint: Endpoint, options: RequestOptions, params = known, access = admin): Promise<TestReply> {
  const path = (endpoint.paths[0] ?? '').replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((params[name] ?? 'x').toWellFormed()),
  );
  return requestEndpoint(endpoint, { user: access, peer }, path, options);
}

function someQuery(endpoint: Endpoint, seed = SEED): QueryValues {
  const { query } = endpoint;
  if (query === undefined) return {};
  const [value] = fc.sample(accepted(query), { numRuns: 1, seed });
  return { ...(value as QueryValues), ...noWaiting(endpoint) };
}

function someBody({ body }: Endpoint, seed: number): JsonValue | undefined {
  if (body === undefined) return undefined;
  const [value] = fc.sample(accepted(body), { numRuns: 1, seed });
  return (value ?? {}) as JsonValue;
}

/** Returns query parameters that keep streams from waiting for changes. */
function noWaiting({ query }: Endpoint): QueryValues {
  return query !== undefined && keysOf(query).includes('timeout') ? { timeout: '0' } : {};
}

function expectStandardError({ status, json, headers }: TestReply, codes?: readonly string[]): void {
  // Requests may name other servers, which do not answer.
  if (status !== 502) expect(status).toBeLessThan(500);
  expect(headers.get('content-type')).toBe('application/json');
  expect(headers.get('access-control-allow-origin')).toBe('*');
  // A challenge of user-interactive authentication is the only error that needs no code.
  if (status === 401 && Array.isArray(json.flows)) return;
  expect(json).toMatchObject({ errcode: expect.stringMatching(/^[A-Z]+(_[A-Z0-9]+)+$/), error: expect.any(String) });
  if (codes !== undefined) expect(codes).toContain(json.errcode);
}

const named = (list: readonly Endpoint[]) => list.map((endpoint) => [endpoint.operation, endpoint] as const);

describe('a request', () => {
  test.each(named(withBody))(
    'to %s whose body is not a JSON object is refused and changes nothing',
    async (_, endpoint) => {
      const before = await server.dataVersion();
      const query = someQuery(endpoint);
      for (const rawBody of NOT_JSON) {
        if (rawBody === '' && endpoint.bodyOptional === true) continue;
        expectStandardError(await send(endpoint, { rawBody, query }), ['M_NOT_JSON']);
      }
      expectStandardError(await send(endpoint, { body: new Uint8Array([0x22, 0xc3, 0x22]), query }), ['M_NOT_JSON']);
      for (const rawBody of [...NO_OBJECT, DEEP]) {
        expectStandardError(await send(endpoint, { rawBody, query }), ['M_BAD_JSON']);
      }
      expectStandardError(await send(endpoint, { rawBody: tooLong(endpoint.bodyBytesMax), query }), ['M_TOO_LARGE']);
      expect(await server.dataVersion()).toEqual(before);
    },
  );

  test.each(named(withBody))(
    'to %s whose body does not match its schema is refused and changes nothing',
    async (_, endpoint) => {
      const { body: schema } = endpoint;
      if (schema === undefined || isAnything(endpoint)) return;
      const before = await server.dataVersion();
      const query = someQuery(endpoint);
      const property = fc.asyncProperty(refused(schema), async (body) => {
        expectStandardError(await send(endpoint, { rawBody: JSON.stringify(body), query }), [
          'M_BAD_JSON',
          'M_MISSING_PARAM',
        ]);
      });
      await fc.assert(property, found);
      expect(await server.dataVersion()).toEqual(before);
    },
  );
});

/** Returns whether the schema of a body accepts every object. */
function isAnything({ body }: Endpoint): boolean {
  return body !== undefined && keysOf(body).length === 0;
}

test.each(named(withQuery))(
  'a request to %s whose query does not match its schema is refused and changes nothing',
  async (_, endpoint) => {
    const { query: schema } = endpoint;
    if (schema === undefined) return;
    const text = fc.oneof(anyText, fc.array(anyText, { minLength: 2, maxLength: 2 })).map(wellFormed);
    const queries = fc.dictionary(fc.constantFrom(...keysOf(schema)), text, { noNullPrototype: true });
    const isWrong = (query: QueryValues) => !safeParse(schema, query).success;
    if (!fc.sample(queries, { numRuns: 200, seed: SEED }).some(isWrong)) return;
    const before = await server.dataVersion();
    const property = fc.asyncProperty(queries.filter(isWrong), async (query) => {
      expectStandardError(await send(endpoint, { query, ...withBrokenBody(endpoint) }), [
        'M_INVALID_PARAM',
        'M_MISSING_PARAM',
        // This is the error when all parameters together are too long.
        'M_TOO_LARGE',
      ]);
    });
    await fc.assert(property, found);
    expect(await server.dataVersion()).toEqual(before);
  },
);

/**
 * Returns options with a broken body, because the server has to check the query before the body. The body of a signed
 * request is a part of what is signed, so that it is absent instead.
 */
function withBrokenBody({ body, access }: Endpoint): RequestOptions {
  return body === undefined || access === 'server' ? {} : { rawBody: '{' };
}

function wellFormed(value: string | readonly string[]): string | readonly string[] {
  return typeof value === 'string' ? value.toWellFormed() : value.map((one) => one.toWellFormed());
}

describe('any request', () => {
  test.each(named(endpoints))('to %s is answered', async (_, endpoint) => {
    // Some requests are valid and log out or deactivate the account, so each endpoint gets its own user.
    const user = endpoint.access === 'admin' ? await server.admin() : await server.user();
    const room = await user.createRoom();
    const eventId = await user.send(room, 'hello');
    const own = { ...known, roomId: room, roomIdOrAlias: room, eventId, userId: user.userId, deviceId: user.deviceId };
    const property = fc.asyncProperty(
      params(endpoint, own),
      body(endpoint),
      query(endpoint),
      async (path, sent, asked) => {
        const options = { query: asked, ...(sent === undefined ? {} : { rawBody: JSON.stringify(sent) }) };
        await answers(endpoint, path, options, user);
      },
    );
    await fc.assert(property, found);
  });

  test.each(named(endpoints))(
    'to %s is answered if any part of it is a text that no database stores',
    async (_, endpoint) => {
      const user = endpoint.access === 'admin' ? await server.admin() : await server.user();
      const room = await user.createRoom();
      const eventId = await user.send(room, 'hello');
      const own = {
        ...known,
        roomId: room,
        roomIdOrAlias: room,
        eventId,
        userId: user.userId,
        deviceId: user.deviceId,
      };
      for (const odd of UNSTORABLE_TEXTS) {
        for (let seed = SEED; seed < SEED + SAMPLES; seed += 1) {
          const query = someQuery(endpoint, seed);
          const body = someBody(endpoint, seed);
          const rawBody = (value: JsonValue | undefined) =>
            value === undefined ? {} : { rawBody: JSON.stringify(value) };
          for (const params of replaceEverywhere(own, odd, namesIn(endpoint)))
            await answers(endpoint, params, { query, ...rawBody(body) }, user);
          for (const other of replaceEverywhere(query, odd))
            await answers(endpoint, own, { query: { ...other, ...noWaiting(endpoint) }, ...rawBody(body) }, user);
          if (body === undefined) continue;
          for (const other of replaceEverywhere(body, odd))
            await answers(endpoint, own, { query, ...rawBody(other) }, user);
        }
      }
    },
  );

  test.each(named(endpoints))('to %s is refused if its path is badly encoded', async (_, endpoint) => {
    const [path = ''] = endpoint.paths;
    if (!path.includes('{')) return;
    for (const bad of ['%', '%zz', '%C3%28', '%00']) {
      const reply = await request(admin, endpoint.method, path.replaceAll(/\{\w+\}/g, bad));
      expectStandardError(reply, ['M_INVALID_PARAM']);
    }
  });
});

/** Sends a request that is answered, or refused with a standard error. */
async function answers(
  endpoint: Endpoint,
  path: Readonly<Record<string, string>>,
  options: RequestOptions,
  user: TestUser,
): Promise<void> {
  const reply = await send(endpoint, options, path, user);
  expect({ faults: server.faults.splice(0), path, options }).toEqual({ faults: [], path, options });
  if (reply.status >= 300) expectStandardError(reply);
}

function namesIn(endpoint: Endpoint): string[] {
  return [...(endpoint.paths[0] ?? '').matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}

function params(endpoint: Endpoint, own: Readonly<Record<string, string>>): fc.Arbitrary<Record<string, string>> {
  const names = namesIn(endpoint);
  const odd = anyText.filter((text) => text !== '');
  const values = names.map(
    (name) => [name, fc.oneof({ weight: 3, arbitrary: fc.constant(own[name] ?? 'x') }, odd)] as const,
  );
  return fc.record(Object.fromEntries(values));
}

function body({ body: schema }: Endpoint): fc.Arbitrary<JsonValue | undefined> {
  return schema === undefined ? fc.constant(undefined) : looksLike(schema).map((value) => (value ?? {}) as JsonValue);
}

function query(endpoint: Endpoint): fc.Arbitrary<QueryValues> {
  const { query: schema } = endpoint;
  if (schema === undefined) return fc.constant({});
  const text = (value: unknown) => (typeof value === 'string' ? value.toWellFormed() : undefined);
  const texts = looksLike(schema).map((value) =>
    Object.entries(value ?? {}).map(([key, one]) => [key.toWellFormed(), text(one)]),
  );
  return texts.map((pairs) => ({ ...(Object.fromEntries(pairs) as QueryValues), ...noWaiting(endpoint) }));
}
