import type { Endpoint } from '@hearth/api/endpoint.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../packages/protocol/src/json/value.ts';
import { type QueryValues, request } from '../support/client.ts';
import { requestEndpoint } from '../support/endpoint-request.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { FEDERATING, type Peer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';
import { accepted } from './from-schema.ts';

/** Columns that contain numbers of names. */
const REFERENCES = [
  ['accounts', 'user_num'],
  ['account_data', 'type'],
  ['account_data', 'room'],
  ['aliases', 'room'],
  ['aliases', 'creator'],
  ['devices', 'user_num'],
  ['events', 'room'],
  ['events', 'type'],
  ['events', 'sender'],
  ['events', 'state_key'],
  ['key_backup_sessions', 'room'],
  ['media', 'origin'],
  ['memberships', 'room'],
  ['memberships', 'user_num'],
  ['receipts', 'room'],
  ['receipts', 'user_num'],
  ['relations', 'rel_type'],
  ['rooms', 'num'],
] as const;

const SEED = Number(process.env.HEARTH_SEED ?? 1);
const BODIES = 4;

let count = 0;

/** Returns texts that the server has never seen, one in each format that texts of requests have. */
function fresh(roomId: string): string[] {
  count += 1;
  const name = `never-seen-${count}`;
  return [name, `com.example.${name}`, `@${name}:hearth.test`, `!${name}:hearth.test`, `#${name}:hearth.test`, roomId];
}

describe.each(TEST_ENGINES)('on $name', ({ postgres }) => {
  let server: TestServer;
  /** A server that signs the requests to endpoints for other servers. */
  let peer: Peer;
  let stranger: TestUser;
  let closedRoom: string;

  beforeAll(async () => {
    server = await startServer({ postgres, config: FEDERATING });
    peer = await startPeer();
    const owner = await server.user();
    closedRoom = await owner.createRoom();
  });
  afterAll(async () => {
    await server.close();
    await peer.close();
  });

  const names = async () => (await server.look('SELECT text FROM names ORDER BY num')).length;

  test('requests that are refused or only read add no names', { timeout: 120_000 }, async () => {
    const endpoints = server.routes.map(({ endpoint }) => endpoint);
    for (const endpoint of endpoints) {
      // Some requests succeed and log out.
      stranger = await server.user();
      for (let i = 0; i < BODIES; i += 1) {
        const before = await names();
        const reply = await sendFresh(endpoint, i);
        const isRead = endpoint.method === 'GET';
        if (reply.status < 400 && !isRead) continue;
        // A server whose signatures are valid is never refused as an unknown caller.
        if (endpoint.access === 'server') expect([endpoint.operation, reply.status]).not.toContain(401);
        expect([endpoint.operation, reply.status, await names()]).toEqual([endpoint.operation, reply.status, before]);
      }
    }
  });

  test('state events of a user who is not in the room add no names', async () => {
    stranger = await server.user();
    const before = await names();
    for (let i = 0; i < 20; i += 1) {
      const path = `/rooms/${encodeURIComponent(closedRoom)}/state/com.example.t${i}/key${i}`;
      expect((await request(stranger, 'PUT', path, { body: { i } })).status).toBe(403);
    }
    expect(await names()).toBe(before);
  });

  test('each number of a name in a table has its text', async () => {
    for (const [table, column] of REFERENCES) {
      const rows = `SELECT DISTINCT ${column} AS num FROM ${table} WHERE ${column} <> 0`;
      const missing = await server.look(`SELECT num FROM (${rows}) AS used WHERE num NOT IN (SELECT num FROM names)`);
      expect({ table, column, missing }).toEqual({ table, column, missing: [] });
    }
  });

  /** Sends a valid request whose texts are all new. Each variant uses another kind of text. */
  function sendFresh(endpoint: Endpoint, variant: number) {
    const text = (at: number) => fresh(closedRoom)[(variant + at) % 6] ?? '';
    let at = 0;
    const path = (endpoint.paths[0] ?? '').replace(/\{(\w+)\}/g, (_, name: string) => {
      at += 1;
      const own = name === 'userId' ? stranger.userId : name.startsWith('roomId') ? closedRoom : undefined;
      return encodeURIComponent(variant % 2 === 0 && own !== undefined ? own : text(at));
    });
    const sample = (schema: NonNullable<Endpoint['body']>) =>
      renewed(fc.sample(accepted(schema), { numRuns: 1, seed: SEED + variant })[0] as JsonValue, text);
    const query = endpoint.query === undefined ? {} : (sample(endpoint.query) as QueryValues);
    const body = endpoint.body === undefined ? undefined : sample(endpoint.body);
    return requestEndpoint(endpoint, { user: stranger, peer }, path, {
      query: { ...query, ...(query.timeout === undefined ? {} : { timeout: '0' }) },
      ...(body === undefined ? {} : { rawBody: JSON.stringify(body) }),
    });
  }
});

/** Replaces texts of some length in a value, so that most of the value stays valid. */
function renewed<T extends JsonValue | undefined>(value: T, text: (at: number) => string): T | JsonValue {
  if (typeof value === 'string') return value.length > 5 ? text(value.length) : value;
  if (Array.isArray(value)) return value.map((one) => renewed(one, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renewed(one, text)]));
}
