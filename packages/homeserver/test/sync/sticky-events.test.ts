import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import { SlidingLoop } from '../../../../tests/support/sliding.ts';
import type { ClientEvent, JoinedRoom, SyncReply, TestUser } from '../../../../tests/support/user.ts';

const DURATION = 'org.matrix.msc4354.sticky_duration_ms';
const TYPE = 'org.example.member';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

type Room = JoinedRoom & { readonly msc4354_sticky?: { readonly events: ClientEvent[] } };

let count = 0;
async function stick(user: TestUser, room: string, durationMs: number): Promise<string> {
  count += 1;
  const path = `/rooms/${room}/send/${TYPE}/t${count}`;
  return (await user.put<{ event_id: string }>(path, { count }, { [DURATION]: durationMs })).event_id;
}

const chatter = async (user: TestUser, room: string) => {
  for (let i = 0; i < 12; i += 1) await user.sendEvent(room, 'm.room.message', { msgtype: 'm.text', body: `${i}` });
};

const sticky = ({ rooms }: SyncReply, room: string) => {
  const shown: Room | undefined = rooms?.join?.[room];
  return shown?.msc4354_sticky?.events.map(({ event_id }) => event_id);
};

test('an event before the timeline is returned to a user who joins, as long as it is sticky', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  const [short, long] = [await stick(alice, room, 1), await stick(alice, room, 60_000)];
  await chatter(alice, room);
  await bob.join(room);
  const reply = await bob.sync();
  expect(sticky(reply, room)).toEqual([long]);
  expect(short).not.toBe(long);
  expect(sticky(await bob.sync({ since: reply.next_batch, full_state: true }), room)).toEqual([long]);
  const event = await alice.get<ClientEvent & Record<string, unknown>>(`/rooms/${room}/event/${long}`);
  expect(event.msc4354_sticky).toEqual({ duration_ms: 60_000 });
  expect(event.unsigned?.msc4354_sticky_duration_ttl_ms).toBeGreaterThan(0);
});

test('an event in the timeline is not returned twice, and no event is sticky for more than an hour', async () => {
  const alice = await server.user();
  const room = await alice.createRoom();
  const { next_batch: since } = await alice.sync();
  const id = await stick(alice, room, 10 ** 9);
  const reply = await alice.sync({ since });
  expect(reply.rooms?.join?.[room]?.timeline.events.map(({ event_id }) => event_id)).toEqual([id]);
  expect(sticky(reply, room)).toBeUndefined();
  const event = await alice.get<ClientEvent & Record<string, unknown>>(`/rooms/${room}/event/${id}`);
  expect(event.msc4354_sticky).toEqual({ duration_ms: 3_600_000 });
});

test('sticky events in a gap are returned, also after a restart, but not redacted ones', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(room);
  const { next_batch: since } = await bob.sync();
  const [kept, gone] = [await stick(alice, room, 60_000), await stick(alice, room, 60_000)];
  await chatter(alice, room);
  await server.restart();
  expect(sticky(await bob.sync({ since }), room)).toEqual([kept, gone]);
  await alice.redact(room, gone);
  expect(sticky(await bob.sync({ since }), room)).toEqual([kept]);
});

test('sliding sync returns them for all joined rooms, with a separate token', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(room);
  const ids = [await stick(alice, room, 60_000), await stick(alice, room, 60_000), await stick(alice, room, 60_000)];
  const ask = async (more: Record<string, string | number>) => {
    const extensions = { 'org.matrix.msc4354.sticky_events': { enabled: true, ...more } };
    const reply = await new SlidingLoop(bob).next({ extensions });
    return reply.extensions['org.matrix.msc4354.sticky_events'] as
      | { next_batch: string; rooms: Record<string, { events: ClientEvent[] }> }
      | undefined;
  };
  const first = await ask({ limit: 2 });
  expect(first?.rooms[room]?.events.map(({ event_id }) => event_id)).toEqual(ids.slice(0, 2));
  const second = await ask({ since: first?.next_batch ?? '' });
  expect(second?.rooms[room]?.events.map(({ event_id }) => event_id)).toEqual(ids.slice(2));
  expect(await ask({ since: second?.next_batch ?? '' })).toBeUndefined();
  await expect(ask({ since: 'nonsense' })).rejects.toThrow('M_INVALID_PARAM');
});
