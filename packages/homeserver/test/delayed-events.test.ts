import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerAdmin } from '../../../tests/support/admin.ts';
import { startServer, type TestServer } from '../../../tests/support/server.ts';
import type { ClientEvent, TestUser } from '../../../tests/support/user.ts';

const PATH = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';
const DELAY = 'org.matrix.msc4140.delay';
const TYPE = 'org.example.call';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const waiting = async (user: TestUser) => (await user.get<{ delayed_events: ClientEvent[] }>(PATH)).delayed_events;
const act = (user: TestUser, id: string, action: string) => user.request('POST', `${PATH}/${id}/${action}`);

async function delayState(user: TestUser, room: string, key: string, delayMs: number, content = { gone: true }) {
  const reply = await user.put<{ delay_id: string }>(`/rooms/${room}/state/${TYPE}/${key}`, content, {
    [DELAY]: delayMs,
  });
  return reply.delay_id;
}

async function delayMessage(user: TestUser, room: string, txn: string, delayMs: number) {
  const reply = await user.put<{ delay_id: string }>(
    `/rooms/${room}/send/${TYPE}/${txn}`,
    { body: txn },
    { [DELAY]: delayMs },
  );
  return reply.delay_id;
}

/** Returns the contents of a room's test events, the oldest first. */
async function sent(user: TestUser, room: string): Promise<unknown[]> {
  const page = await user.get<{ chunk: ClientEvent[] }>(`/rooms/${room}/messages`, { dir: 'f', limit: 100 });
  return page.chunk.filter(({ type }) => type === TYPE).map(({ content }) => content);
}

const until = (user: TestUser, room: string, count: number) =>
  expect.poll(() => sent(user, room), { timeout: 5_000 }).toHaveLength(count);

test('events are sent when they are due, in the order of their times', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  await delayMessage(alice, room, 'later', 250);
  await delayMessage(alice, room, 'sooner', 100);
  expect(await waiting(alice)).toMatchObject([
    { content: { body: 'sooner' }, delay: 100 },
    { content: { body: 'later' } },
  ]);
  expect(await waiting(await server.user())).toEqual([]);
  await until(alice, room, 2);
  expect(await sent(alice, room)).toEqual([{ body: 'sooner' }, { body: 'later' }]);
  expect(await waiting(alice)).toEqual([]);
});

test('a repeated request schedules no second event, before and after the event is sent', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  const id = await delayMessage(alice, room, 'once', 50);
  expect(await delayMessage(alice, room, 'once', 50)).toBe(id);
  await until(alice, room, 1);
  expect(await delayMessage(alice, room, 'once', 50)).toBe(id);
  expect(await waiting(alice)).toEqual([]);
});

test('a caller who knows the id can cancel an event, send it at once and restart its delay', async () => {
  const alice = await server.user();
  const stranger = await server.user();
  const room = await alice.createRoom();
  const [never, now, held] = [
    await delayState(alice, room, 'never', 60_000),
    await delayState(alice, room, 'now', 60_000),
    await delayState(alice, room, 'held', 60_000),
  ];
  expect((await act(stranger, never, 'cancel')).status).toBe(200);
  expect((await act(stranger, now, 'send')).status).toBe(200);
  expect(await sent(alice, room)).toHaveLength(1);
  const [before] = await waiting(alice);
  expect((await stranger.request('POST', `${PATH}/${held}`, { body: { action: 'restart' } })).status).toBe(200);
  const [after] = (await waiting(alice)) as unknown as { running_since: number }[];
  expect(after?.running_since).toBeGreaterThanOrEqual((before as unknown as { running_since: number }).running_since);
  for (const id of [never, now, 'nonsense']) {
    for (const action of ['cancel', 'send', 'restart']) expect((await act(alice, id, action)).status).toBe(404);
  }
  expect((await alice.request('POST', `${PATH}/${held}`, { body: { action: 'eat' } })).status).toBe(400);
});

test('delayed events are kept over a restart, and due ones are sent after it', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  await delayState(alice, room, 'soon', 1);
  const id = await delayState(alice, room, 'far', 60_000);
  await server.restart();
  expect(await waiting(alice)).toMatchObject([{ delay_id: id, state_key: 'far' }]);
  await until(alice, room, 1);
});

test('a state event of another user cancels delayed events for the same key, and an own one does not', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({
    preset: 'public_chat',
    power_level_content_override: { events: { [TYPE]: 0 } },
  });
  await bob.join(room);
  await delayState(alice, room, 'mine', 60_000);
  await delayState(alice, room, 'theirs', 60_000);
  await alice.setState(room, TYPE, {}, 'mine');
  await bob.setState(room, TYPE, {}, 'theirs');
  await expect.poll(async () => (await waiting(alice)).map(({ state_key }) => state_key)).toEqual(['mine']);
});

test('a due event that the room rejects is dropped', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(room);
  await delayMessage(bob, room, 'never', 200);
  await alice.post(`/rooms/${room}/ban`, { user_id: bob.userId });
  await expect.poll(() => waiting(bob), { timeout: 5_000 }).toEqual([]);
  expect(await sent(alice, room)).toEqual([]);
});

test('delays and the number of delayed events are limited', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  const ask = (delay: number | string, txn: string) =>
    alice.request('PUT', `/rooms/${room}/send/${TYPE}/${txn}`, { body: {}, query: { [DELAY]: delay } });
  expect((await ask(0, 'a')).status).toBe(400);
  expect((await ask('soon', 'b')).status).toBe(400);
  const long = await ask(10 ** 12, 'c');
  expect([long.status, long.json['org.matrix.msc4140.errcode']]).toEqual([400, 'M_MAX_DELAY_EXCEEDED']);
  for (let i = 0; i < 100; i += 1) expect((await ask(60_000, `d${i}`)).status).toBe(200);
  const refused = await ask(60_000, 'too-many');
  expect([refused.status, refused.json.errcode]).toEqual([429, 'M_LIMIT_EXCEEDED']);
  const elsewhere = await (await server.user()).request('PUT', `/rooms/${room}/send/${TYPE}/x`, {
    body: {},
    query: { [DELAY]: 1000 },
  });
  expect(elsewhere.status).toBe(403);
});

test.each(['suspended', 'locked'])('a due event of a sender who is %s is not sent', async (state) => {
  const [admin, alice, bob] = [await registerAdmin(server, `admin-${state}`), await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(room);
  await delayMessage(bob, room, 'never', 300);
  const path = state === 'locked' ? 'lock' : 'suspend';
  await admin.request('PUT', `/_matrix/client/v1/admin/${path}/${bob.userId}`, { body: { [state]: true } });
  await delayMessage(alice, room, 'later', 400);
  await until(alice, room, 1);
  expect(await sent(alice, room)).toEqual([{ body: 'later' }]);
});

test('the total size of a user’s delayed events is limited', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  const outcomes: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    const body = { text: 'x'.repeat(60_000) };
    const query = { [DELAY]: 60_000 };
    outcomes.push((await alice.request('PUT', `/rooms/${room}/send/${TYPE}/long${i}`, { body, query })).status);
  }
  expect(outcomes).toEqual([200, 200, 200, 200, 200, 200, 200, 200, 429, 429, 429, 429]);
});
