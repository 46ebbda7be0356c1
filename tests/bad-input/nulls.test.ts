import { checkJson } from '@hearth/api/check.ts';
import * as filters from '@hearth/api/definitions/filter.ts';
import type { Endpoint, Schema } from '@hearth/api/endpoint.ts';
import * as fc from 'fast-check';
import { safeParse } from 'valibot';
import { afterAll, describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf, request } from '../support/client.ts';
import { requestEndpoint } from '../support/endpoint-request.ts';
import { FEDERATING, startPeer } from '../support/peer.ts';
import { startServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';
import { accepted, isSchema, unwrapped } from './from-schema.ts';

const server = await startServer({ config: FEDERATING });
/** A server that signs the requests to endpoints for other servers. */
const peer = await startPeer();
afterAll(async () => {
  await server.close();
  await peer.close();
});

const bodies = server.routes.flatMap(({ endpoint }) =>
  endpoint.body === undefined ? [] : [[endpoint.operation, endpoint, endpoint.body] as const],
);

/** An optional member somewhere in a schema, and how to make a value in which it is absent or `null`. */
interface OptionalMember {
  readonly path: string;
  readonly make: (member: 'absent' | 'null') => JsonValue;
}

function optionalMembers(schema: Schema): OptionalMember[] {
  if ('pipe' in schema && Array.isArray(schema.pipe)) {
    const object = schema.pipe.slice(1).find((step) => isSchema(step) && 'entries' in step) as Schema | undefined;
    if (object !== undefined) return optionalMembers(object);
  }
  if ('wrapped' in schema) return optionalMembers(unwrapped(schema));
  if ('item' in schema) return within(schema.item as Schema, '[]', (item) => [item]);
  if (schema.type === 'record') {
    return within((schema as unknown as { value: Schema }).value, '{}', (value) => ({ name: value }));
  }
  if ('options' in schema) return (schema.options as unknown[]).filter(isSchema).flatMap(optionalMembers);
  if (!('entries' in schema)) return [];
  const entries = Object.entries(schema.entries as Record<string, Schema>);
  const base = required(entries);
  const isNullAbsence = (entry: Schema) => safeParse(entry, undefined).success && !safeParse(entry, null).success;
  const own = entries
    .filter(([, entry]) => isNullAbsence(entry))
    .map(([name]): OptionalMember => {
      const { [name]: _, ...absent } = base;
      return { path: name, make: (member) => (member === 'null' ? { ...base, [name]: null } : absent) };
    });
  return [...own, ...entries.flatMap(([name, entry]) => within(entry, name, (value) => ({ ...base, [name]: value })))];
}

function within(schema: Schema, name: string, place: (value: JsonValue) => JsonValue): OptionalMember[] {
  return optionalMembers(schema).map(({ path, make }) => ({
    path: `${name}.${path}`,
    make: (member) => place(make(member)),
  }));
}

/** Returns a value with the required members. */
function required(entries: readonly (readonly [string, Schema])[]): JsonObject {
  const members = entries
    .filter(([, entry]) => !safeParse(entry, undefined).success)
    .map(([name, entry]) => [name, fc.sample(accepted(entry), { numRuns: 1, seed: 1 })[0]]);
  return JSON.parse(JSON.stringify(Object.fromEntries(members))) as JsonObject;
}

function expectSame(schema: Schema): void {
  for (const { path, make } of optionalMembers(schema)) {
    const absent = checkJson(schema, make('absent'));
    expect(absent.success, path).toBe(true);
    expect(checkJson(schema, make('null')).output, path).toEqual(absent.output);
  }
}

describe('an optional member that is null counts as absent', () => {
  test.each(bodies)('in the body of %s', (_, __, schema) => expectSame(schema));

  test.each(Object.entries(filters))('in a %s', (_, schema) => expectSame(schema));

  test('in more than 80 places', () => {
    expect(bodies.flatMap(([, , schema]) => optionalMembers(schema)).length).toBeGreaterThan(80);
  });
});

const USUAL = {
  kind: 'content',
  ruleId: '.m.rule.contains_user_name',
  receiptType: 'm.read',
  roomAlias: '#no:one.test',
};

/** Sends a body to an endpoint as a new user. */
async function send(endpoint: Endpoint, body: JsonValue): Promise<{ status: number; errcode: unknown }> {
  const user: TestUser = endpoint.access === 'admin' ? await server.admin() : await server.user();
  const roomId = await user.createRoom();
  const eventId = await user.send(roomId, 'hello');
  const { userId, deviceId } = user;
  const known: Record<string, string> = { ...USUAL, roomId, roomIdOrAlias: roomId, eventId, userId, deviceId };
  const path = (endpoint.paths[0] ?? '').replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(known[name] ?? 'x'),
  );
  const { status, json } = await requestEndpoint(endpoint, { user, peer }, path, { rawBody: JSON.stringify(body) });
  if (endpoint.access === 'server') expect(status).not.toBe(401);
  return { status, errcode: json.errcode };
}

describe('a request with null for all optional members gets the same answer as one without them', () => {
  test.each(bodies)('%s', async (_, endpoint, schema) => {
    if (!('entries' in schema)) return;
    const entries = Object.entries(schema.entries as Record<string, Schema>);
    const base = required(entries);
    const nulls = entries.filter(([, entry]) => safeParse(entry, undefined).success).map(([name]) => [name, null]);
    const answer = await send(endpoint, { ...base, ...(Object.fromEntries(nulls) as JsonObject) });
    expect(answer).toEqual(await send(endpoint, base));
  });
});

test('a required member that is null is refused', async () => {
  const user = await server.user();
  const room = await user.createRoom();
  const { status, json } = await request(user, 'POST', `/_matrix/client/v3/rooms/${room}/kick`, {
    rawBody: '{"user_id":null}',
  });
  expect([status, json.errcode]).toEqual([400, 'M_BAD_JSON']);
});

test('null is kept in data that clients store', async () => {
  const user = await server.user();
  const room = await user.createRoom();
  const content = { reason: null, deep: [{ a: null }] };
  const data = pathOf('user', user.userId, 'account_data', 'org.example');
  await user.put(data, content);
  expect(await user.get(data)).toEqual(content);
  await user.put(pathOf('rooms', room, 'state', 'org.example', ''), content);
  expect(await user.get(pathOf('rooms', room, 'state', 'org.example', ''))).toEqual(content);
  const filter = { room: { timeline: { types: null, limit: 5 } } };
  const { filter_id } = await user.post<{ filter_id: string }>(pathOf('user', user.userId, 'filter'), filter);
  expect(await user.get(pathOf('user', user.userId, 'filter', filter_id))).toEqual(filter);
});
