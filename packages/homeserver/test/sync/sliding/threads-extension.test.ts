import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../../tests/support/server.ts';
import { SlidingLoop } from '../../../../../tests/support/sliding.ts';
import type { TestUser } from '../../../../../tests/support/user.ts';

const EXTENSION = 'io.element.msc4308.thread_subscriptions';
const PAGES = '/_matrix/client/unstable/io.element.msc4308/thread_subscriptions';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const pathOf = (room: string, root: string) =>
  `/_matrix/client/unstable/io.element.msc4306/rooms/${room}/thread/${root}/subscription`;
const body = (more: JsonObject = {}): JsonObject => ({ extensions: { [EXTENSION]: { enabled: true, ...more } } });

async function open(threads = 1) {
  const alice = await server.user();
  const room = await alice.createRoom();
  const roots: string[] = [];
  for (let i = 0; i < threads; i += 1) roots.push(await say(alice, room));
  const paths = roots.map((root) => pathOf(room, root));
  return { alice, room, roots, paths, loop: new SlidingLoop(alice) };
}

const say = (user: TestUser, room: string) => user.sendEvent(room, 'm.room.message', { msgtype: 'm.text', body: 'x' });

/** Returns the threads in an answer, by whether they are subscribed to. */
function threadsIn(changes: JsonObject | undefined): Record<string, string[]> {
  const names = (rooms: unknown) => Object.values(rooms ?? {}).flatMap((threads) => Object.keys(threads as object));
  return { subscribed: names(changes?.subscribed), unsubscribed: names(changes?.unsubscribed) };
}

test('thread subscriptions are returned at first, and then their changes', async () => {
  const { alice, room, roots, paths, loop } = await open(2);
  const [[first = '', second = ''], [one = '', two = '']] = [roots, paths];
  await alice.put(one, {});
  const stamp = expect.any(Number);
  expect((await loop.next(body())).extensions[EXTENSION]).toEqual({
    subscribed: { [room]: { [first]: { automatic: false, bump_stamp: stamp } } },
  });
  await alice.put(one, {});
  expect((await loop.next(body())).extensions).toEqual({});
  await alice.put(two, {});
  await alice.delete(one);
  expect((await loop.retry(body())).extensions[EXTENSION]).toEqual({
    subscribed: { [room]: { [second]: { automatic: false, bump_stamp: stamp } } },
    unsubscribed: { [room]: { [first]: { bump_stamp: stamp } } },
  });
  await server.restart();
  expect(threadsIn((await loop.next(body())).extensions[EXTENSION])).toEqual({
    subscribed: [second],
    unsubscribed: [first],
  });
  expect((await loop.next(body())).extensions).toEqual({});
});

test('a change wakes a request with the extension, and none without it', async () => {
  const { alice, roots, paths, loop } = await open();
  const plain = new SlidingLoop(alice, 'plain');
  await loop.next(body());
  await plain.next({});
  const waiting = loop.next(body(), 20_000);
  const quiet = plain.next({}, 600);
  const { next_batch: since } = await alice.sync();
  const sync = alice.sync({ since, timeout: '600' });
  await alice.put(paths[0] ?? '', {});
  expect(threadsIn((await waiting).extensions[EXTENSION]).subscribed).toEqual(roots);
  expect((await quiet).extensions).toEqual({});
  expect(Object.keys(await sync).filter((key) => key !== 'next_batch' && !key.startsWith('device_'))).toEqual([]);
  // The extension is enabled later, and then returns the earlier changes.
  expect(threadsIn((await plain.next(body())).extensions[EXTENSION]).subscribed).toEqual(roots);
});

test('the latest of many are returned, and the others by pagination', async () => {
  const { alice, roots, paths, loop } = await open(5);
  const latestFirst = (start: number, end: number) => roots.slice(start, end).toReversed();
  const { pos } = await loop.next(body());
  for (const path of paths) await alice.put(path, {});
  const limited = (await loop.next(body({ limit: 2 }))).extensions[EXTENSION];
  expect(threadsIn(limited).subscribed).toEqual(latestFirst(3, 5));
  const from = asString(limited?.prev_batch);
  const page = await alice.get<JsonObject>(PAGES, { dir: 'b', from, to: pos, limit: '2' });
  expect(threadsIn(page).subscribed).toEqual(latestFirst(1, 3));
  const last = await alice.get<JsonObject>(PAGES, { dir: 'b', from: asString(page.end), to: pos });
  expect([threadsIn(last).subscribed, last.end]).toEqual([roots.slice(0, 1), undefined]);
  const since = await alice.get<JsonObject>(PAGES, { dir: 'b', to: from });
  expect(threadsIn(since).subscribed).toEqual(latestFirst(3, 5));
  const stranger = await server.user();
  expect(await stranger.get(PAGES, { dir: 'b' })).toEqual({});
});

test.each([
  [{}],
  [{ dir: 'f' }],
  [{ dir: 'b', limit: '0' }],
  [{ dir: 'b', from: 'nonsense' }],
  [{ dir: 'b', to: 'nonsense' }],
])('%j is refused', async (query) => {
  const alice = await server.user();
  const { status, json } = await alice.request('GET', PAGES, { query });
  expect([status, json.errcode]).toEqual([400, expect.stringMatching(/^M_(INVALID|MISSING)_PARAM$/)]);
});
