import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Endpoint } from '@hearth/api/endpoint.ts';
import * as fc from 'fast-check';
import { safeParse } from 'valibot';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf, type QueryValues, type RequestOptions, request, type TestReply } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';
import { accepted, keysOf, looksLike, refused } from './from-schema.ts';
import { anyText, DEEP, LONG, NO_OBJECT, NOT_JSON } from './nonsense.ts';

/** Replay what was found with the seed that it was found with; look longer with more runs. */
const SEED = Number(process.env.HEARTH_SEED ?? 1);
const RUNS = Number(process.env.HEARTH_RUNS ?? 25);
const found = { seed: SEED, numRuns: RUNS };

const server: TestServer = await startServer();
const endpoints: readonly Endpoint[] = server.routes.map(({ endpoint }) => endpoint);
const withBody = endpoints.filter(({ body }) => body !== undefined);
const withQuery = endpoints.filter(({ query }) => query !== undefined && keysOf(query).length > 0);

/** Values with which a request gets past its path. */
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
let reader: DatabaseSync;
let known: Readonly<Record<string, string>>;

beforeAll(async () => {
  admin = await server.admin();
  const roomId = await admin.createRoom();
  const eventId = await admin.send(roomId, 'hello');
  const { userId, deviceId } = admin;
  const filterId = (await admin.post<{ filter_id: string }>(pathOf('user', userId, 'filter'), {})).filter_id;
  known = { ...USUAL, roomId, roomIdOrAlias: roomId, eventId, userId, deviceId, filterId };
  reader = new DatabaseSync(join(server.dataDir, 'hearth.db'), { readOnly: true });
});

afterAll(async () => {
  reader.close();
  await server.close();
});

/** Changes whenever somebody else commits anything. */
function dataVersion(): unknown {
  return reader.prepare('PRAGMA data_version').get();
}

/** A request to an endpoint with everything right that is not said to be wrong. */
function send(endpoint: Endpoint, options: RequestOptions, params = known, access = admin): Promise<TestReply> {
  const path = (endpoint.paths[0] ?? '').replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent((params[name] ?? 'x').toWellFormed()),
  );
  return request(access, endpoint.method, path, options);
}

function someQuery({ query }: Endpoint): QueryValues {
  if (query === undefined) return {};
  const [value] = fc.sample(accepted(query), { numRuns: 1, seed: SEED });
  return { ...(value as QueryValues), ...noWaiting(query) };
}

/** Streams that have nothing to tell would wait for it. */
function noWaiting(query: NonNullable<Endpoint['query']>): QueryValues {
  return keysOf(query).includes('timeout') ? { timeout: '0' } : {};
}

function expectStandardError({ status, json, headers }: TestReply, codes?: readonly string[]): void {
  expect(status).toBeLessThan(500);
  expect(headers.get('content-type')).toBe('application/json');
  expect(headers.get('access-control-allow-origin')).toBe('*');
  // The challenge of user-interactive authentication is the one error that need not have a code.
  if (status === 401 && Array.isArray(json.flows)) return;
  expect(json).toMatchObject({ errcode: expect.stringMatching(/^[A-Z]+(_[A-Z0-9]+)+$/), error: expect.any(String) });
  if (codes !== undefined) expect(codes).toContain(json.errcode);
}

const named = (list: readonly Endpoint[]) => list.map((endpoint) => [endpoint.operation, endpoint] as const);

describe('a body', () => {
  test.each(named(withBody))('of %s that is no JSON object is refused and changes nothing', async (_, endpoint) => {
    const before = dataVersion();
    const query = someQuery(endpoint);
    for (const rawBody of NOT_JSON) {
      if (rawBody === '' && endpoint.bodyOptional === true) continue;
      expectStandardError(await send(endpoint, { rawBody, query }), ['M_NOT_JSON']);
    }
    expectStandardError(await send(endpoint, { body: new Uint8Array([0x22, 0xc3, 0x22]), query }), ['M_NOT_JSON']);
    for (const rawBody of [...NO_OBJECT, DEEP]) {
      expectStandardError(await send(endpoint, { rawBody, query }), ['M_BAD_JSON']);
    }
    expectStandardError(await send(endpoint, { rawBody: LONG, query }), ['M_TOO_LARGE']);
    expect(dataVersion()).toEqual(before);
  });

  test.each(named(withBody))('of %s that its schema refuses is refused and changes nothing', async (_, endpoint) => {
    const { body: schema } = endpoint;
    if (schema === undefined || isAnything(endpoint)) return;
    const before = dataVersion();
    const query = someQuery(endpoint);
    const property = fc.asyncProperty(refused(schema), async (body) => {
      expectStandardError(await send(endpoint, { rawBody: JSON.stringify(body), query }), [
        'M_BAD_JSON',
        'M_MISSING_PARAM',
      ]);
    });
    await fc.assert(property, found);
    expect(dataVersion()).toEqual(before);
  });
});

/** Some bodies are objects and nothing more: their schema refuses none. */
function isAnything({ body }: Endpoint): boolean {
  return body !== undefined && keysOf(body).length === 0;
}

test.each(named(withQuery))(
  'a query of %s that its schema refuses is refused and changes nothing',
  async (_, endpoint) => {
    const { query: schema } = endpoint;
    if (schema === undefined) return;
    const text = fc.oneof(anyText, fc.array(anyText, { minLength: 2, maxLength: 2 })).map(wellFormed);
    const queries = fc.dictionary(fc.constantFrom(...keysOf(schema)), text, { noNullPrototype: true });
    const isWrong = (query: QueryValues) => !safeParse(schema, query).success;
    if (!fc.sample(queries, { numRuns: 200, seed: SEED }).some(isWrong)) return;
    const before = dataVersion();
    const property = fc.asyncProperty(queries.filter(isWrong), async (query) => {
      expectStandardError(await send(endpoint, { query, ...withBrokenBody(endpoint) }), [
        'M_INVALID_PARAM',
        'M_MISSING_PARAM',
      ]);
    });
    await fc.assert(property, found);
    expect(dataVersion()).toEqual(before);
  },
);

/** The query is looked at before the body. */
function withBrokenBody({ body }: Endpoint): RequestOptions {
  return body === undefined ? {} : { rawBody: '{' };
}

function wellFormed(value: string | readonly string[]): string | readonly string[] {
  return typeof value === 'string' ? value.toWellFormed() : value.map((one) => one.toWellFormed());
}

describe('whatever comes', () => {
  test.each(named(endpoints))('%s answers it', async (_, endpoint) => {
    // Some of it is right, and logs out or deactivates: everybody gets their own user for it.
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
        const reply = await send(endpoint, options, path, user);
        expect(server.faults.splice(0)).toEqual([]);
        if (reply.status >= 300) expectStandardError(reply);
      },
    );
    await fc.assert(property, found);
  });

  test.each(named(endpoints))('%s refuses a path that is badly encoded', async (_, endpoint) => {
    const [path = ''] = endpoint.paths;
    if (!path.includes('{')) return;
    for (const bad of ['%', '%zz', '%C3%28', '%00']) {
      const reply = await request(admin, endpoint.method, path.replaceAll(/\{\w+\}/g, bad));
      expectStandardError(reply, ['M_INVALID_PARAM']);
    }
  });
});

function params(endpoint: Endpoint, own: Readonly<Record<string, string>>): fc.Arbitrary<Record<string, string>> {
  const names = [...(endpoint.paths[0] ?? '').matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const odd = anyText.filter((text) => text !== '');
  const values = names.map(
    (name) => [name, fc.oneof({ weight: 3, arbitrary: fc.constant(own[name] ?? 'x') }, odd)] as const,
  );
  return fc.record(Object.fromEntries(values));
}

function body({ body: schema }: Endpoint): fc.Arbitrary<JsonValue | undefined> {
  return schema === undefined ? fc.constant(undefined) : looksLike(schema).map((value) => (value ?? {}) as JsonValue);
}

function query({ query: schema }: Endpoint): fc.Arbitrary<QueryValues> {
  if (schema === undefined) return fc.constant({});
  const text = (value: unknown) => (typeof value === 'string' ? value.toWellFormed() : undefined);
  const texts = looksLike(schema).map((value) =>
    Object.entries(value ?? {}).map(([key, one]) => [key.toWellFormed(), text(one)]),
  );
  return texts.map((pairs) => ({ ...(Object.fromEntries(pairs) as QueryValues), ...noWaiting(schema) }));
}
