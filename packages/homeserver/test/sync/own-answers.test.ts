import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { SyncReply, TestUser } from '../../../../tests/support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

/** Runs a request of a user whose other device has a long poll, and returns the order of the answers. */
async function order(user: TestUser, request: () => Promise<unknown>, path = '/sync') {
  const { next_batch: since } = await user.get<SyncReply>('/sync');
  const answered: string[] = [];
  const from = path === '/sync' ? { since } : { from: since };
  const waiting = user.get(path, { ...from, timeout: 30_000 }).then(() => answered.push('waiting'));
  // The request arrives and begins to wait within this time.
  await new Promise((resolve) => setTimeout(resolve, 30));
  await request().then(() => answered.push('reply'));
  await waiting;
  return answered;
}

test.each(['/sync', '/events'])(
  'a waiting %s is answered before the reply to another request of its user',
  async (path) => {
    const alice = await server.user();
    const other = await server.user();
    const open = await other.createRoom({ preset: 'public_chat' });
    const own = await alice.createRoom();
    const requests: (() => Promise<unknown>)[] = [
      () => alice.createRoom(),
      () => alice.join(open),
      () => alice.send(open, 'hello'),
      () => alice.setState(own, 'm.room.topic', { topic: 'new' }),
      () => alice.leave(open),
    ];
    for (const request of requests) expect(await order(alice, request, path)).toEqual(['waiting', 'reply']);
  },
);

test('a waiting request whose filter excludes everything does not delay a reply', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  const { next_batch: since } = await alice.get<SyncReply>('/sync');
  const filter = JSON.stringify({ room: { rooms: [] } });
  const waiting = alice.get('/sync', { since, filter, timeout: 1_500 });
  await new Promise((resolve) => setTimeout(resolve, 30));
  const startMs = performance.now();
  await alice.send(room, 'hello');
  expect(performance.now() - startMs).toBeLessThan(900);
  await waiting;
});

test('a reply in a thread does not wait for the long poll, as matrix-js-sdk expects', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  const root = await alice.send(room, 'root');
  const orders = new Set<string>();
  for (let i = 0; i < 20; i += 1) {
    const content = {
      msgtype: 'm.text',
      body: 'in a thread',
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    };
    orders.add((await order(alice, () => alice.send(room, content))).join());
  }
  expect(orders).toContain('reply,waiting');
});
