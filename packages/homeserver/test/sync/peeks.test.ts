import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { JoinedRoom, SyncReply, TestUser } from '../../../../tests/support/user.ts';

const PREFIX = '/_matrix/client/unstable/org.matrix.msc2753';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

type Reply = SyncReply & { readonly rooms?: { readonly peek?: Record<string, JoinedRoom> } };

const sync = (user: TestUser, query: Record<string, string | number> = {}) => user.get<Reply>('/sync', query);
const peek = (user: TestUser, room: string) => user.request('POST', `${PREFIX}/peek/${encodeURIComponent(room)}`);
const say = (user: TestUser, room: string, body: string) =>
  user.sendEvent(room, 'm.room.message', { msgtype: 'm.text', body });
const bodies = (room: JoinedRoom | undefined) => room?.timeline.events.flatMap(({ content }) => content.body ?? []);

async function open(alias?: string): Promise<[TestUser, TestUser, string]> {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({
    preset: 'public_chat',
    ...(alias === undefined ? {} : { room_alias_name: alias }),
    initial_state: [
      { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
    ],
  });
  return [alice, bob, room];
}

test('a peeked room is returned with its state at first, and then with its changes', async () => {
  const [alice, bob, room] = await open();
  await say(alice, room, 'one');
  const { next_batch: since } = await sync(bob);
  expect((await peek(bob, room)).json).toEqual({ room_id: room });
  const first = await sync(bob, { since });
  expect(bodies(first.rooms?.peek?.[room])).toEqual(['one']);
  expect(first.rooms?.peek?.[room]?.state.events.length).toBeGreaterThan(0);
  expect(first.rooms?.join).toBeUndefined();
  const waiting = sync(bob, { since: first.next_batch, timeout: 20_000 });
  await say(alice, room, 'two');
  const second = await waiting;
  expect(bodies(second.rooms?.peek?.[room])).toEqual(['two']);
  expect((await sync(bob, { since: second.next_batch })).rooms).toBeUndefined();
});

test('a peeked room that the filter excludes is left out', async () => {
  const [alice, bob, room] = await open();
  await peek(bob, room);
  const filtered = async (filter: { rooms?: string[]; not_rooms?: string[] }, since?: string) =>
    sync(bob, { filter: JSON.stringify({ room: filter }), ...(since === undefined ? {} : { since }) });
  const first = await filtered({ not_rooms: [room] });
  expect(first.rooms).toBeUndefined();
  await say(alice, room, 'one');
  expect((await filtered({ rooms: [] }, first.next_batch)).rooms).toBeUndefined();
  expect(bodies((await filtered({ rooms: [room] }, first.next_batch)).rooms?.peek?.[room])).toEqual(['one']);
});

test('a peek is of one device, and continues after a restart until it is ended', async () => {
  const [alice, bob, room] = await open();
  await peek(bob, room);
  const { next_batch: since } = await sync(bob);
  await server.restart();
  await say(alice, room, 'after');
  const reply = await sync(bob, { since });
  expect(bodies(reply.rooms?.peek?.[room])).toEqual(['after']);
  await bob.post(`${PREFIX}/rooms/${room}/unpeek`);
  await say(alice, room, 'unseen');
  expect((await sync(bob, { since: reply.next_batch })).rooms).toBeUndefined();
  expect((await bob.request('POST', `${PREFIX}/rooms/${room}/unpeek`)).status).toBe(400);
});

test('a peek ends when the user joins or the room is no longer world-readable', async () => {
  const [alice, bob, room] = await open('looked-into');
  expect((await peek(bob, '#looked-into:hearth.test')).status).toBe(200);
  const { next_batch: since } = await sync(bob);
  await bob.join(room);
  const joined = await sync(bob, { since });
  expect(joined.rooms?.peek).toBeUndefined();
  expect(joined.rooms?.join?.[room]).toBeDefined();
  const carol = await server.user();
  await peek(carol, room);
  const before = await sync(carol);
  await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'joined' });
  await say(alice, room, 'secret');
  expect(JSON.stringify(await sync(carol, { since: before.next_batch }))).not.toContain('secret');
});

test('peeking is refused for rooms that are not world-readable', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  expect((await peek(bob, room)).status).toBe(403);
  expect((await peek(bob, '!no:where')).status).toBe(404);
  expect((await peek(bob, '#nobody:hearth.test')).status).toBe(404);
});
