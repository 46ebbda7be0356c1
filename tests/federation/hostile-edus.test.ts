import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { SyncReply, TestUser } from '../support/user.ts';

interface FullReply extends SyncReply {
  readonly device_lists?: { readonly changed?: string[] };
}

/** A text that no message may contain, so that answers can be searched for it. */
const FORGED = 'forged';

describe('a server that sends EDUs which it may not send', () => {
  let server: FederatingServer;
  let remote: RemoteServer;
  let outsider: RemoteServer;
  let alice: TestUser;
  let room: string;
  let eventId: string;
  let bob: string;
  let transactions = 0;
  beforeAll(async () => {
    server = await startFederatingServer('127.0.0.81');
    [remote, outsider] = [new RemoteServer(await startPeer(), server), new RemoteServer(await startPeer(), server)];
    alice = await server.user('alice');
    room = await alice.createRoom();
    bob = remote.user('bob');
    await remote.join(room, bob);
    eventId = await alice.send(room, 'text');
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(async () => {
    await server.close();
    await remote.peer.close();
    await outsider.peer.close();
  });

  const send = async (by: RemoteServer, ...edus: JsonValue[]) => {
    transactions += 1;
    const body = { origin: by.peer.name, origin_server_ts: 1, pdus: [], edus };
    const reply = await by.request('PUT', `/v1/send/t${transactions}`, { body });
    expect([reply.status, reply.json]).toEqual([200, { pdus: {} }]);
  };
  const sync = (since?: string) => alice.get<FullReply>('/sync', { since, timeout: 0 });
  const typing = (userId: string, roomId = room): JsonObject => ({
    edu_type: 'm.typing',
    content: { room_id: roomId, user_id: userId, typing: true },
  });
  const receipt = (userId: string, roomId = room): JsonObject => ({
    edu_type: 'm.receipt',
    content: { [roomId]: { 'm.read': { [userId]: { event_ids: [eventId], data: { ts: 1 } } } } },
  });
  const presence = (userId: string): JsonObject => ({
    edu_type: 'm.presence',
    content: { push: [{ user_id: userId, presence: 'online', last_active_ago: 1, status_msg: FORGED }] },
  });
  const devices = (userId: string): JsonObject[] => [
    { edu_type: 'm.device_list_update', content: { user_id: userId, device_id: 'X', stream_id: 1, prev_id: [] } },
    { edu_type: 'm.signing_key_update', content: { user_id: userId } },
  ];
  const message = (sender: string): JsonObject => ({
    edu_type: 'm.direct_to_device',
    content: {
      sender,
      type: FORGED,
      message_id: `m${++transactions}`,
      messages: { [alice.userId]: { '*': { body: FORGED } } },
    },
  });
  const allOf = (userId: string, roomId = room) => [
    typing(userId, roomId),
    receipt(userId, roomId),
    presence(userId),
    ...devices(userId),
  ];
  /** Returns the answer of a sync after the task, as a text without its token. */
  const seenAfter = async (task: () => Promise<unknown>): Promise<string> => {
    const { next_batch: since } = await sync();
    await task();
    const { next_batch: _, ...news } = await sync(since);
    return JSON.stringify(news);
  };

  test('changes nothing for users of this server and of third servers', async () => {
    const others = [alice.userId, '@carol:third.test', `@bob:${outsider.peer.name}`];
    const edus = others.flatMap((userId) => [...allOf(userId), message(userId)]);
    const seen = await seenAfter(() => send(remote, ...edus));
    expect(seen).not.toContain(FORGED);
    expect(seen).not.toContain('ephemeral');
    expect(seen).not.toContain('device_lists');
  });

  test('changes nothing in a room that it is not in, nor for users who are not in the room', async () => {
    const closed = await alice.createRoom({ preset: 'private_chat' });
    const other = await alice.createRoom();
    await remote.join(other, remote.user('other'));
    const seen = await seenAfter(async () => {
      await send(outsider, ...allOf(outsider.user('bob')), ...allOf(bob));
      await send(remote, typing(bob, closed), receipt(bob, closed), typing(bob, other), receipt(bob, other));
      await send(remote, ...allOf(remote.user('nobody')), typing(bob, '!unknown:third.test'));
    });
    expect(seen).not.toContain('ephemeral');
    expect(seen).not.toContain('presence');
    expect(seen).not.toContain('device_lists');
  });

  test('changes nothing in a room whose ACL denies it, and can still send messages to devices', async () => {
    const denied = await alice.createRoom();
    await remote.join(denied, bob);
    await alice.setState(denied, 'm.room.server_acl', { allow: ['*'], deny: ['127.0.0.1'], allow_ip_literals: true });
    const seen = await seenAfter(() => send(remote, typing(bob, denied), receipt(bob, denied), message(bob)));
    expect(seen).not.toContain('ephemeral');
    expect(seen).toContain(FORGED);
  });

  test('does not block the other EDUs of a transaction by malformed ones', async () => {
    const odd: JsonValue[] = [null, 1, 'edu', [], {}, { edu_type: 'm.typing' }, { edu_type: 1, content: {} }];
    const keys = ['m.device_list_update', 'm.signing_key_update', 'm.direct_to_device'];
    const types = ['m.typing', 'm.receipt', 'm.presence', ...keys, 'm.unknown', '__proto__', 'constructor'];
    const plain: JsonValue[] = [null, 5, 'text', [], {}];
    const contents: JsonValue[] = [
      ...plain,
      { push: {} },
      { push: [null, [], { user_id: bob, presence: {} }] },
      { room_id: null, user_id: null, typing: null },
      { user_id: bob, device_id: '\0', stream_id: 1.5, prev_id: 'x', keys: [], deleted: 'yes' },
      { user_id: `${bob}\0`, device_id: 'X', stream_id: -1, prev_id: [[]] },
      { user_id: bob, master_key: [], self_signing_key: 'x' },
      { [room]: { 'm.read': { [bob]: { event_ids: ['$\0'], data: { ts: -1, thread_id: '$\0' } } } } },
      { [room]: { 'm.read': { [bob]: { event_ids: [eventId], data: { ts: 1, thread_id: '$\0'.repeat(50) } } } } },
      { [room]: { 'm.read': { [bob]: [] }, __proto__: [] }, '!\0': { 'm.read': { '@\0': {} } } },
      { sender: bob, type: '\0', message_id: '\0', messages: { [alice.userId]: { '*': {} } } },
    ];
    for (const edu_type of types) {
      const edus = contents.map((content) => ({ edu_type, content }));
      const seen = await seenAfter(() => send(remote, ...odd, ...edus, message(bob)));
      expect([edu_type, seen.includes(FORGED)]).toEqual([edu_type, true]);
    }
  });

  test('cannot use more than a limited part of an EDU', async () => {
    const names = Array.from({ length: 5_000 }, (_, i) => remote.user(`user${i}`));
    const users = Object.fromEntries(names.map((name) => [name, { event_ids: [eventId], data: { ts: 1 } }]));
    const rooms = Object.fromEntries(names.map((_, i) => [`!room${i}:third.test`, { 'm.read': users[bob] ?? {} }]));
    const push = names.map((user_id) => ({ user_id, presence: 'online', last_active_ago: 1 }));
    const long = { user_id: bob, presence: 'online', last_active_ago: 1, status_msg: 'x'.repeat(100_000) };
    await send(
      remote,
      { edu_type: 'm.receipt', content: { [room]: { 'm.read': users } } },
      { edu_type: 'm.receipt', content: rooms },
      { edu_type: 'm.presence', content: { push: [long, ...push] } },
    );
    const status = await alice.get<{ status_msg?: string }>(pathOf('presence', bob, 'status'));
    expect(status.status_msg).toHaveLength(1_024);
    expect(await server.look("SELECT num FROM names WHERE text LIKE '@user%'")).toEqual([]);
    const path = '/v1/send/too-many';
    const edus = Array.from({ length: 101 }, () => typing(bob));
    expect((await remote.request('PUT', path, { body: { pdus: [], edus } })).status).toBe(400);
  });

  test('shows its user as typing once for many EDUs', async () => {
    const seen = await seenAfter(() => send(remote, ...Array.from({ length: 100 }, () => typing(bob))));
    expect(seen.split('"m.typing"')).toHaveLength(2);
    expect(seen).toContain(bob);
  });
});

test('a receipt that arrives before its event is shown, and stays when the event arrives', async () => {
  const server = await startFederatingServer('127.0.0.83');
  const remote = new RemoteServer(await startPeer(() => [200, { pdus: {} }]), server);
  const alice = await server.user('alice');
  const room = await alice.createRoom();
  const bob = remote.user('bob');
  await remote.join(room, bob);
  const { json } = await remote.make('leave', room, bob);
  const { state_key: _, ...template } = json.event as PduDraft;
  const draft = { ...template, type: 'm.room.message', content: { msgtype: 'm.text', body: 'late' } };
  const { eventId, pdu } = remote.sign(json.room_version as string, draft);
  const send = (txn: string, pdus: JsonValue[], edus: JsonValue[]) =>
    remote.call('PUT', `/v1/send/${txn}`, { body: { origin: remote.peer.name, origin_server_ts: 1, pdus, edus } });
  const content = { [room]: { 'm.read': { [bob]: { event_ids: [eventId], data: { ts: 5 } } } } };
  await send('first', [], [{ edu_type: 'm.receipt', content }]);
  const receipts = async () => JSON.stringify((await alice.sync({ timeout: 0 })).rooms?.join?.[room]?.ephemeral);
  const shown = `"${eventId}":{"m.read":{"${bob}":{"ts":5}}}`;
  await expect.poll(receipts, { timeout: 10_000 }).toContain(shown);
  await send('second', [pdu], []);
  const arrived = () => alice.request('GET', pathOf('rooms', room, 'event', eventId));
  await expect.poll(async () => (await arrived()).status, { timeout: 10_000 }).toBe(200);
  expect(await receipts()).toContain(shown);
  await server.close();
  await remote.peer.close();
  expect(server.faults).toEqual([]);
});

describe('a server that does not exchange presence', () => {
  test('neither sends nor accepts it', async () => {
    const sent: string[] = [];
    const peer = await startPeer(({ body }) => {
      sent.push(body);
      return [200, { pdus: {} }];
    });
    const server = await startFederatingServer('127.0.0.82', {
      federation: { enabled: true, retry_min_ms: 50, retry_max_ms: 500, presence: false },
    });
    const remote = new RemoteServer(peer, server);
    const alice = await server.user('alice');
    const room = await alice.createRoom();
    const bob = remote.user('bob');
    await remote.join(room, bob);
    await alice.put(pathOf('presence', alice.userId, 'status'), { presence: 'online', status_msg: 'here' });
    const push = [{ user_id: bob, presence: 'online', last_active_ago: 1, status_msg: 'there' }];
    const body = { origin: peer.name, pdus: [], edus: [{ edu_type: 'm.presence', content: { push } }] };
    expect((await remote.request('PUT', '/v1/send/one', { body })).status).toBe(200);
    expect(await alice.get(pathOf('presence', bob, 'status'))).toEqual({ presence: 'offline' });
    await alice.send(room, 'a message for which the presence would wait');
    await expect.poll(() => sent.join().includes('would wait')).toBe(true);
    expect(sent.join()).not.toContain('m.presence');
    await server.close();
    await peer.close();
    expect(server.faults).toEqual([]);
  });
});
