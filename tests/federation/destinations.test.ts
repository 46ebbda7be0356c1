import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerAdmin } from '../support/admin.ts';
import { type QueryValues, request } from '../support/client.ts';
import { freePort } from '../support/free-port.ts';
import { FEDERATING, type Peer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const PATH = '/_synapse/admin/v1/federation/destinations';

let server: TestServer;
let peer: Peer;
let admin: TestUser;
let alice: TestUser;
let gone: string;
beforeAll(async () => {
  peer = await startPeer(() => [200, { pdus: {} }]);
  server = await startServer({ config: { ...FEDERATING, federation: { enabled: true, retry_min_ms: 600_000 } } });
  admin = await registerAdmin(server, 'admin');
  alice = await server.user();
  gone = `127.0.0.1:${await freePort()}`;
  for (const name of [peer.name, gone])
    await alice.put(`/sendToDevice/m.test/${name}`, { messages: { [`@bob:${name}`]: { DEVICE: {} } } });
});
afterAll(async () => {
  await Promise.all([server.close(), peer.close()]);
  expect(server.faults).toEqual([]);
});

const list = async (query: QueryValues = {}) => (await request(admin, 'GET', PATH, { query })).json;
const one = (name: string, suffix = '') => request(admin, 'GET', `${PATH}/${name}${suffix}`);

describe('the list of destinations', () => {
  test('has the servers for which something waits, with the time of the next attempt', async () => {
    const before = Date.now() - 60_000;
    await expect.poll(async () => (await one(gone)).json.failure_ts).toEqual(expect.any(Number));
    // The queue of the server that answers is removed soon.
    await expect
      .poll(() => list())
      .toEqual({
        destinations: [
          {
            destination: gone,
            retry_last_ts: expect.toSatisfy((ts: number) => ts > before),
            retry_interval: expect.toSatisfy((ms: number) => ms >= 300_000 && ms <= 600_000),
            failure_ts: expect.toSatisfy((ts: number) => ts > before && ts <= Date.now()),
            last_successful_stream_ordering: expect.any(Number),
          },
        ],
        total: 1,
      });
  });

  test('is filtered, ordered and paged', async () => {
    const [second, third] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    for (const name of [second, third])
      await alice.put(`/sendToDevice/m.test/${name}`, { messages: { [`@bob:${name}`]: { DEVICE: {} } } });
    const names = async (query: QueryValues) =>
      ((await list(query)).destinations as { destination: string }[]).map(({ destination }) => destination);
    const sorted = [gone, second, third].toSorted();
    expect(await names({})).toEqual(sorted);
    expect(await names({ dir: 'b' })).toEqual(sorted.toReversed());
    expect(await names({ destination: gone.toUpperCase() })).toEqual([gone]);
    await expect.poll(async () => (await one(third)).json.failure_ts).toEqual(expect.any(Number));
    expect((await names({ order_by: 'failure_ts' }))[0]).toBe(gone);
    const page = await list({ limit: 2 });
    expect(page).toMatchObject({ total: 3, next_token: '2' });
    expect(await list({ from: 2, limit: 2 })).toMatchObject({ total: 3 });
    expect(await names({ from: 2 })).toEqual(sorted.slice(2));
    expect(await list({ order_by: 'nonsense' })).toMatchObject({ errcode: 'M_INVALID_PARAM' });
  });

  test('is for administrators only', async () => {
    expect(await request(alice, 'GET', PATH)).toMatchObject({ status: 403 });
    expect(await request(alice, 'POST', `${PATH}/${gone}/reset_connection`)).toMatchObject({ status: 403 });
  });
});

test('a destination without rooms and an unknown one', async () => {
  expect((await one(gone, '/rooms')).json).toEqual({ rooms: [], total: 0 });
  for (const suffix of ['', '/rooms'])
    expect(await one('unknown.example', suffix)).toMatchObject({ status: 404, json: { errcode: 'M_NOT_FOUND' } });
});

test('the reset of a connection tries the server again at once', async () => {
  const late = await startPeer(() => [200, { pdus: {} }]);
  await late.close();
  await alice.put('/sendToDevice/m.test/late', { messages: { [`@bob:${late.name}`]: { DEVICE: {} } } });
  await expect.poll(async () => (await one(late.name)).json.failure_ts).toEqual(expect.any(Number));
  const reset = () => request(admin, 'POST', `${PATH}/${late.name}/reset_connection`);
  const before = Number((await one(late.name)).json.retry_last_ts);
  expect(await reset()).toMatchObject({ status: 200, json: {} });
  await expect.poll(async () => Number((await one(late.name)).json.retry_last_ts)).toBeGreaterThan(before);
  expect(await reset()).toMatchObject({ status: 200 });
  expect(await request(admin, 'POST', `${PATH}/${peer.name}/reset_connection`)).toMatchObject({ status: 404 });
});

test('a server without federation has no destinations', async () => {
  const island = await startServer();
  const root = await registerAdmin(island, 'admin');
  expect((await request(root, 'GET', PATH)).json).toEqual({ destinations: [], total: 0 });
  for (const [method, suffix] of [
    ['GET', ''],
    ['GET', '/rooms'],
    ['POST', '/reset_connection'],
  ] as const)
    expect(await request(root, method, `${PATH}/b.example${suffix}`)).toMatchObject({ status: 404 });
  await island.close();
});
