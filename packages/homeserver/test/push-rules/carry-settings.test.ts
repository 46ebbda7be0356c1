import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { pathOf } from '../../../../tests/support/client.ts';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { TestUser } from '../../../../tests/support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

const MUTED = ['dont_notify'];
const ruleOf = (kind: string, room: string) => pathOf('pushrules', 'global', kind, room);
const tagsOf = (user: TestUser, room: string) => user.get(pathOf('user', user.userId, 'rooms', room, 'tags'));
const favourite = { tags: { 'm.favourite': { order: 0.5 } } };

/** A room with two users who have muted it, each in another way, and one of whom has a tag on it. */
async function open() {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(room);
  await alice.put(ruleOf('room', room), { actions: MUTED });
  const conditions = [{ kind: 'event_match', key: 'room_id', pattern: room }];
  await bob.put(ruleOf('override', room), { actions: [], conditions });
  await bob.put(`${ruleOf('override', room)}/enabled`, { enabled: false });
  await bob.put(pathOf('user', bob.userId, 'rooms', room, 'tags', 'm.favourite'), { order: 0.5 });
  return { alice, bob, room };
}

const upgraded = async (alice: TestUser, room: string) => {
  const { replacement_room: next } = await alice.post<{ replacement_room: string }>(pathOf('rooms', room, 'upgrade'), {
    new_version: '12',
  });
  return next;
};
const replaced = async (alice: TestUser, room: string) => {
  const next = await alice.createRoom({ preset: 'public_chat', creation_content: { predecessor: { room_id: room } } });
  await alice.setState(room, 'm.room.tombstone', { body: 'gone', replacement_room: next });
  return next;
};

test.each([
  ['upgraded', upgraded],
  ['replaced by hand', replaced],
])(
  'a user who follows to the successor of a room that is %s keeps the settings of the old one',
  async (_name, replace) => {
    const { alice, bob, room } = await open();
    const next = await replace(alice, room);
    await bob.join(next);
    await vi.waitFor(async () => {
      expect((await alice.get(ruleOf('room', next))).actions).toEqual(MUTED);
      expect(await bob.get(ruleOf('override', next))).toMatchObject({
        enabled: false,
        conditions: [{ kind: 'event_match', key: 'room_id', pattern: next }],
      });
      expect(await tagsOf(bob, next)).toEqual(favourite);
    });
    expect((await alice.get(ruleOf('room', room))).actions).toEqual(MUTED);
  },
);

test('a room that only claims to replace another has none of its settings', async () => {
  const { bob, room } = await open();
  const mallory = await server.user();
  const creation: JsonObject = { predecessor: { room_id: room } };
  const next = await mallory.createRoom({ preset: 'public_chat', creation_content: creation });
  await bob.join(next);
  await bob.setState(await bob.createRoom(), 'm.room.topic', { topic: 'some time later' });
  expect((await bob.request('GET', ruleOf('override', next))).status).toBe(404);
  expect(await tagsOf(bob, next)).toEqual({ tags: {} });
});
