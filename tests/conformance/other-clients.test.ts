// This import is the first one, because the logger has to be replaced before the library copies its methods.
import './quiet.ts';

import { EventType, GuestAccess, MsgType, Preset } from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type SyncReply, TestUser } from '../support/user.ts';
import { Clients, roomOf, until } from './sdk.ts';

/** Requests of clients that use other libraries, and rare actions of users. */
describe('other clients', () => {
  let server: TestServer;
  const clients = new Clients(() => server.url);
  beforeAll(async () => {
    server = await startServer();
  });
  afterEach(() => clients.stop());
  afterAll(async () => {
    expect(server.faults).toEqual([]);
    await server.close();
  });

  const post = (path: string, body: JsonObject) => request({ server }, 'POST', path, { body });

  test('Cinny registers: it asks for the flows first, then uses their session for the complete request', async () => {
    const first = await post('/register', {});
    expect(first.status).toBe(401);
    expect(first.json.flows).toEqual([{ stages: ['m.login.dummy'] }]);
    const session = asString(first.json.session) ?? '';
    const wanted = { password: 'a good password', initial_device_display_name: 'Cinny Web' };
    const auth = { type: 'm.login.dummy', session };
    const taken = await server.user();
    const username = taken.userId.slice(1, taken.userId.indexOf(':'));
    expect((await post('/register', { ...wanted, username, auth })).json.errcode).toBe('M_USER_IN_USE');
    const registered = await post('/register', { ...wanted, username: 'cinny', auth });
    expect(registered).toMatchObject({ status: 200, json: { user_id: '@cinny:hearth.test' } });
  });

  test('Element registers: it sends the parameters once, and only the session in later requests', async () => {
    const asked = await post('/register', { username: 'element', password: 'a good password' });
    const auth = { type: 'm.login.dummy', session: asString(asked.json.session) ?? '' };
    expect(await post('/register', { auth })).toMatchObject({ status: 200, json: { user_id: '@element:hearth.test' } });
    const login = { type: 'm.login.password', identifier: { type: 'm.id.user', user: 'element' } };
    expect((await post('/login', { ...login, password: 'a good password' })).status).toBe(200);
  });

  test('nio lists devices: all members are present, and unknown values are null', async () => {
    const alice = await server.user();
    await post('/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: alice.userId },
      password: alice.userId.slice(1, alice.userId.indexOf(':')),
      device_id: 'NEVERSEEN',
    });
    const { devices } = await alice.get<{ devices: JsonObject[] }>('/devices');
    expect(devices).toHaveLength(2);
    for (const device of devices) {
      for (const name of ['device_id', 'display_name', 'last_seen_ip', 'last_seen_ts'])
        expect(device).toHaveProperty(name);
    }
    expect(devices.find(({ device_id }) => device_id === 'NEVERSEEN')).toMatchObject({ display_name: null });
    const room = await alice.createRoom();
    const { joined } = await alice.get<{ joined: Record<string, JsonObject> }>(`/rooms/${room}/joined_members`);
    expect(Object.keys(joined[alice.userId] ?? {}).sort()).toEqual(['avatar_url', 'display_name']);
  });

  test('nio sends to a room as soon as it is created, because its sync has returned the room before', async () => {
    const bot = await server.user();
    const known = new Set<string>();
    let since = (await bot.get<SyncReply>('/sync')).next_batch;
    let isDone = false;
    const syncing = (async () => {
      while (!isDone) {
        const reply = await bot.get<SyncReply>('/sync', { since, timeout: 2_000 });
        for (const room of Object.keys(reply.rooms?.join ?? {})) known.add(room);
        since = reply.next_batch;
      }
    })();
    for (let i = 0; i < 10; i += 1) {
      const room = await bot.createRoom({ name: `Room ${i}` });
      expect(known).toContain(room);
      await bot.send(room, 'at once');
    }
    isDone = true;
    await bot.send(await bot.createRoom(), 'wakes the sync');
    await syncing;
  });

  test('Go clients send null for absent members', async () => {
    const nothing = { device_id: null, initial_device_display_name: null };
    const registered = await post('/register', {
      username: 'gopher',
      password: 'a good password',
      ...nothing,
      auth: { type: 'm.login.dummy', session: null },
    });
    expect(registered.status).toBe(200);
    const user = registered.json as { user_id: string; device_id: string; access_token: string };
    const gopher = new TestUser(server, user);
    const room = await gopher.createRoom({
      name: 'Burrow',
      topic: null,
      invite: null,
      invite_3pid: null,
      initial_state: null,
      creation_content: null,
      power_level_content_override: null,
      room_alias_name: null,
      preset: null,
      room_version: null,
    });
    const other = await server.user();
    const calls: [method: string, path: string, body: JsonObject][] = [
      ['POST', `/rooms/${room}/invite`, { user_id: other.userId, reason: null }],
      ['POST', `/rooms/${room}/kick`, { user_id: other.userId, reason: null }],
      ['POST', `/rooms/${room}/read_markers`, { 'm.fully_read': null, 'm.read': null }],
      ['POST', `/user/${gopher.userId}/filter`, { room: { timeline: { limit: 5, types: null }, state: null } }],
      ['PUT', `/devices/${gopher.deviceId}`, { display_name: null }],
      ['PUT', '/pushrules/global/override/go', { actions: ['notify'], conditions: null }],
      ['PUT', `/user/${gopher.userId}/rooms/${room}/tags/u.burrow`, { order: null }],
      ['POST', '/keys/query', { device_keys: {}, timeout: null }],
      ['POST', '/keys/upload', { device_keys: null, one_time_keys: null, fallback_keys: null }],
      ['POST', '/publicRooms', { limit: null, since: null, filter: null }],
      ['POST', '/search', { search_categories: { room_events: { search_term: 'x', keys: null, filter: null } } }],
      ['POST', `/rooms/${room}/leave`, { reason: null }],
      ['POST', '/login', { type: 'm.login.password', user: 'gopher', password: 'a good password', ...nothing }],
    ];
    for (const [method, path, body] of calls) {
      const reply = await gopher.request(method, path, { body });
      expect(`${path}: ${reply.status} ${reply.text}`).toContain(`${path}: 200`);
    }
  });

  test('a suspended user may read, redact their own messages and leave, and nothing else', async () => {
    const admin = await server.admin();
    const [alice, bob] = [await clients.start('alice'), await clients.start('bob')];
    const { room_id: roomId } = await alice.createRoom({ preset: Preset.PublicChat });
    await bob.joinRoom(roomId);
    const room = await roomOf(bob, roomId);
    const own = (await bob.sendMessage(roomId, { msgtype: MsgType.Text, body: 'regretted' })).event_id;
    const path = `/_matrix/client/v1/admin/suspend/${bob.getSafeUserId()}`;
    expect((await admin.request('PUT', path, { body: { suspended: true } })).status).toBe(200);

    const refused: (() => Promise<unknown>)[] = [
      () => bob.sendMessage(roomId, { msgtype: MsgType.Text, body: 'no more' }),
      () => bob.sendStateEvent(roomId, EventType.RoomTopic, { topic: 'mine' }),
      () => bob.kick(roomId, alice.getSafeUserId()),
      () => bob.createRoom({}),
      () => bob.setDisplayName('Somebody else'),
      () => bob.uploadContent(new Blob(['x'])),
      () => bob.createAlias('#suspended:hearth.test', roomId),
    ];
    // The library sends no more events after a failed one until the user cancels it.
    const isRefused = async (attempt: () => Promise<unknown>) => {
      await expect(attempt()).rejects.toMatchObject({ errcode: 'M_USER_SUSPENDED' });
      for (const event of room.getPendingEvents()) bob.cancelPendingEvent(event);
    };
    for (const attempt of refused) await isRefused(attempt);
    const said = (await alice.sendMessage(roomId, { msgtype: MsgType.Text, body: 'still read' })).event_id;
    await until('bob still reads', () => room.findEventById(said));
    await isRefused(() => bob.redactEvent(roomId, said));
    await bob.redactEvent(roomId, own);
    await until('the message is gone', () => room.findEventById(own)?.isRedacted());
    await bob.leave(roomId);
    await admin.request('PUT', path, { body: { suspended: false } });
    await bob.joinRoom(roomId);
    await bob.sendMessage(roomId, { msgtype: MsgType.Text, body: 'back again' });
  });

  test('a guest becomes a member with the same id, who is still in the room', async () => {
    const alice = await clients.start('alice');
    const { room_id: roomId } = await alice.createRoom({ preset: Preset.PublicChat });
    await alice.sendStateEvent(roomId, EventType.RoomGuestAccess, { guest_access: GuestAccess.CanJoin });
    const guest = await clients.guest();
    await guest.joinRoom(roomId);
    const userId = guest.getSafeUserId();
    const username = userId.slice(1, userId.indexOf(':'));
    const member = clients.again(
      await guest.registerRequest({
        username,
        password: 'a good password',
        guest_access_token: guest.getAccessToken() ?? '',
        auth: { type: 'm.login.dummy' },
      }),
    );
    expect(member.getSafeUserId()).toBe(userId);
    await clients.sync(member);
    const room = await roomOf(member, roomId);
    const said = (await member.sendMessage(roomId, { msgtype: MsgType.Text, body: 'a member now' })).event_id;
    await until('the message is shown', () => room.findEventById(said));
    await expect(guest.whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' });
  });
});
