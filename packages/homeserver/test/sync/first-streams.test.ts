import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import type { ClientEvent, TestUser } from '../../../../tests/support/user.ts';

interface InitialSync {
  readonly end: string;
  readonly presence: ClientEvent[];
  readonly receipts: (ClientEvent & { readonly room_id: string })[];
  readonly account_data: ClientEvent[];
  readonly messages: { readonly end: string };
}

describe('the endpoints that are older than /sync', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    await server.close();
    expect(server.faults).toEqual([]);
  });

  /** Creates a world-readable room with two members, one of whom has read a message. */
  const open = async () => {
    const [alice, bob, stranger] = [await server.user(), await server.user(), await server.user()];
    const room = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
    });
    await bob.join(room);
    const event = await alice.send(room, 'hello');
    await bob.post(`/rooms/${room}/receipt/m.read/${event}`);
    await alice.post(`/rooms/${room}/receipt/m.read.private/${event}`);
    return { alice, bob, stranger, room, event };
  };
  const setStatus = (user: TestUser, status: string) =>
    user.put(`/presence/${user.userId}/status`, { presence: 'online', status_msg: status });
  const senders = (events: readonly ClientEvent[]) =>
    events.filter(({ type }) => type === 'm.presence').map(({ sender }) => sender);
  const presenceOf = async (viewer: TestUser, user: TestUser) =>
    (await viewer.get<{ presence: string }>(`/presence/${user.userId}/status`)).presence;

  test('/initialSync contains receipts, presence and account data with the push rules, and sets the caller online', async () => {
    const { alice, bob, room, event } = await open();
    await setStatus(alice, 'here');
    const answer = await bob.get<InitialSync>('/initialSync');
    expect(senders(answer.presence)).toContain(alice.userId);
    expect(answer.account_data.map(({ type }) => type)).toContain('m.push_rules');
    const [receipt, ...others] = answer.receipts;
    expect(others).toEqual([]);
    expect(receipt).toMatchObject({ type: 'm.receipt', room_id: room });
    expect(receipt?.content).toEqual({ [event]: { 'm.read': { [bob.userId]: { ts: expect.any(Number) } } } });
    expect(await presenceOf(alice, bob)).toBe('online');
  });

  test('/events sets the caller online', async () => {
    const { alice, bob } = await open();
    expect(await presenceOf(alice, bob)).toBe('offline');
    await bob.events({ timeout: '0' });
    expect(await presenceOf(alice, bob)).toBe('online');
  });

  test('/rooms/{roomId}/initialSync contains receipts and the presence of members, also for users outside the room', async () => {
    const { alice, bob, stranger, room, event } = await open();
    await setStatus(alice, 'here');
    for (const reader of [bob, stranger]) {
      const answer = await reader.get<InitialSync>(`/rooms/${room}/initialSync`);
      expect(senders(answer.presence)).toContain(alice.userId);
      expect(answer.receipts.map(({ content }) => Object.keys(content))).toEqual([[event]]);
      expect(JSON.stringify(answer.receipts)).not.toContain('m.read.private');
    }
  });

  test('/events?room_id= returns the presence of members to users outside the room', async () => {
    const { alice, bob, stranger, room } = await open();
    const { messages } = await stranger.get<InitialSync>(`/rooms/${room}/initialSync`);
    const waiting = stranger.events({ from: messages.end, room_id: room, timeout: '5000' });
    await setStatus(bob, 'a status');
    expect((await waiting).chunk).toMatchObject([
      { type: 'm.presence', sender: bob.userId, content: { status_msg: 'a status', user_id: bob.userId } },
    ]);
    const elsewhere = await server.user();
    const from = (await stranger.events({ room_id: room, timeout: '0' })).end;
    await setStatus(elsewhere, 'not in the room');
    expect((await stranger.events({ from, room_id: room, timeout: '0' })).chunk).toEqual([]);
    expect(alice.userId).not.toBe(elsewhere.userId);
  });

  test('/events?room_id= returns only events up to the departure to a user who has left', async () => {
    const { alice, bob, room } = await open();
    await alice.setState(room, 'm.room.history_visibility', { history_visibility: 'shared' });
    const from = (await bob.events({ room_id: room, timeout: '0' })).end;
    await bob.leave(room);
    const event = await alice.send(room, 'secret');
    await alice.post(`/rooms/${room}/receipt/m.read/${event}`);
    await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 30_000 });
    await setStatus(alice, 'secret');
    const { chunk } = await bob.events({ from, room_id: room, timeout: '0' });
    expect(chunk.map(({ type, sender }) => [type, sender])).toEqual([['m.room.member', bob.userId]]);
    const { receipts, presence } = await bob.get<InitialSync>(`/rooms/${room}/initialSync`);
    expect([receipts, presence]).toEqual([[], []]);
  });
});
