import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../../packages/homeserver/test/support/gateway.ts';
import { pathOf, request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { SlidingLoop } from '../support/sliding.ts';
import type { ClientEvent, SyncReply, TestUser } from '../support/user.ts';

interface SearchReply {
  readonly search_categories: {
    readonly room_events: {
      readonly count: number;
      readonly highlights: string[];
      readonly results: {
        readonly rank: number;
        readonly result: ClientEvent;
        readonly context?: {
          readonly start: string;
          readonly end: string;
          readonly events_before: ClientEvent[];
          readonly events_after: ClientEvent[];
          readonly profile_info?: Record<string, JsonObject>;
        };
      }[];
      readonly groups: Record<string, Record<string, { readonly results: string[]; readonly order: number }>>;
      readonly state?: Record<string, ClientEvent[]>;
      readonly next_batch?: string;
    };
  };
}

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: {
      outbound: { allowed_addresses: ['127.0.0.0/8'] },
      public_base_url: 'https://matrix.example.org/',
      voip: { uris: ['turn:turn.example.org'], shared_secret: 'a secret', livekit_url: 'https://rtc.example.org/jwt/' },
      user_directory: { search_all: true },
    },
  });
});
afterAll(async () => {
  expect(server.faults).toEqual([]);
  await server.close();
});

const search = async (user: TestUser, roomEvents: JsonObject, nextBatch?: string) => {
  const body = { search_categories: { room_events: roomEvents } };
  const reply = await user.post<SearchReply>('/search', body, { next_batch: nextBatch });
  return reply.search_categories.room_events;
};

describe('searching', () => {
  test('returns events with their context, state and groups', async () => {
    const alice = await server.user();
    const room = await alice.createRoom({ preset: 'public_chat', name: 'Weather' });
    const ids: string[] = [];
    for (const text of ['before', '今日は良い天気です', 'after']) ids.push(await alice.send(room, text));
    const found = await search(alice, {
      search_term: '天気',
      order_by: 'recent',
      event_context: { before_limit: 1, after_limit: 1, include_profile: true },
      include_state: true,
      groupings: { group_by: [{ key: 'room_id' }, { key: 'sender' }] },
    });
    expect(found).toMatchObject({ count: 1, highlights: ['天気'] });
    const [{ result, context, rank } = { result: undefined, context: undefined, rank: 0 }] = found.results;
    expect(result).toMatchObject({ event_id: ids[1], room_id: room, sender: alice.userId });
    expect(rank).toBeGreaterThan(0);
    expect(context?.events_before.map(({ event_id }) => event_id)).toEqual([ids[0]]);
    expect(context?.events_after.map(({ event_id }) => event_id)).toEqual([ids[2]]);
    expect(Object.keys(context?.profile_info ?? {})).toEqual([alice.userId]);
    const further = await alice.get<{ chunk: ClientEvent[] }>(pathOf('rooms', room, 'messages'), {
      dir: 'b',
      from: context?.start,
      limit: 1,
    });
    expect(further.chunk[0]?.type).toMatch(/^m\.room\./);
    expect(found.state?.[room]?.some(({ type }) => type === 'm.room.name')).toBe(true);
    expect(found.groups).toEqual({
      room_id: { [room]: { results: [ids[1]], order: 0 } },
      sender: { [alice.userId]: { results: [ids[1]], order: 0 } },
    });
    expect(found.next_batch).toBeUndefined();
  });

  test('returns pages, continues after a restart, and answers without a category', async () => {
    const alice = await server.user();
    const room = await alice.createRoom();
    for (let i = 0; i < 5; i++) await alice.send(room, `penguin ${i}`);
    const first = await search(alice, { search_term: 'penguin', order_by: 'recent', filter: { limit: 3 } });
    await server.restart();
    const second = await search(alice, { search_term: 'penguin', order_by: 'recent' }, first.next_batch);
    const bodies = [...first.results, ...second.results].map(({ result }) => result.content.body);
    expect(bodies).toEqual(['penguin 4', 'penguin 3', 'penguin 2', 'penguin 1', 'penguin 0']);
    expect(await alice.post('/search', { search_categories: {} })).toEqual({ search_categories: {} });
    const wrong = await alice.request('POST', '/search', {
      body: { search_categories: { room_events: { search_term: 'x', keys: ['content.secret'] } } },
    });
    expect([wrong.status, wrong.json.errcode]).toEqual([400, 'M_BAD_JSON']);
  });
});

test('the user directory finds all users if it is configured to', async () => {
  const [alice, bob] = [await server.user(), await server.user('findable')];
  await bob.put(pathOf('profile', bob.userId, 'displayname'), { displayname: 'Bobby Tables' });
  for (const search_term of ['findab', 'TABLES']) {
    const reply = await alice.post('/user_directory/search', { search_term });
    expect(reply).toEqual({ results: [{ user_id: bob.userId, display_name: 'Bobby Tables' }], limited: false });
  }
});

test('small services answer in the format of the specification', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const turn = await alice.get('/voip/turnServer');
  expect(turn).toMatchObject({ uris: ['turn:turn.example.org'], ttl: 86_400, password: expect.any(String) });
  expect(turn.username).toMatch(new RegExp(`^\\d+:${alice.userId}$`));
  expect(await alice.get('/thirdparty/protocols')).toEqual({});
  expect((await alice.request('GET', '/thirdparty/protocol/irc')).json.errcode).toBe('M_NOT_FOUND');
  expect((await alice.request('GET', '/thirdparty/user/irc?nick=x')).json.errcode).toBe('M_NOT_FOUND');
  expect((await alice.request('GET', '/thirdparty/location?alias=%23a:b')).text).toBe('[]');
  const token = await alice.post(pathOf('user', alice.userId, 'openid', 'request_token'));
  expect(token).toMatchObject({ token_type: 'Bearer', matrix_server_name: 'hearth.test', expires_in: 3600 });
  const room = await alice.createRoom();
  await bob.join(room);
  const path = '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms';
  expect(await alice.get(path, { user_id: bob.userId })).toEqual({ joined: [room] });
  const root = await alice.send(room, 'root');
  const thread = `/_matrix/client/unstable/io.element.msc4306${pathOf('rooms', room, 'thread', root, 'subscription')}`;
  const reply = { msgtype: 'm.text', body: 'x', 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
  await bob.put(thread, { automatic: await alice.send(room, reply) });
  expect(await bob.get(thread)).toEqual({ automatic: true });
  await bob.delete(thread);
  expect((await bob.request('GET', thread)).status).toBe(404);
});

test('clients get the transports of group calls, or an empty list', async () => {
  const transports = '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports';
  const livekit = [{ type: 'livekit', livekit_service_url: 'https://rtc.example.org/jwt' }];
  const alice = await server.user();
  expect(await alice.get(transports)).toEqual({ rtc_transports: livekit });
  expect(await alice.get('/.well-known/matrix/client')).toEqual({
    'm.homeserver': { base_url: 'https://matrix.example.org' },
    'org.matrix.msc4143.rtc_foci': livekit,
  });
  expect((await request({ server }, 'GET', transports)).status).toBe(401);
  const plain = await startServer({ config: { public_base_url: 'https://matrix.example.org' } });
  expect(await (await plain.user()).get(transports)).toEqual({ rtc_transports: [] });
  expect((await request({ server: plain }, 'GET', '/.well-known/matrix/client')).json).toEqual({
    'm.homeserver': { base_url: 'https://matrix.example.org' },
  });
  await plain.close();
});

test('a user who blocks invites sees none, in /sync and sliding sync', async () => {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] });
  const lists = { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } };
  const seen = async () => {
    const { rooms } = await bob.get<SyncReply>('/sync');
    const sliding = await new SlidingLoop(bob).next({ lists, room_subscriptions: { [room]: lists.all } });
    return [Object.keys(rooms?.invite ?? {}), Object.keys(sliding.rooms), sliding.lists.all?.count];
  };
  expect(await seen()).toEqual([[room], [room], 1]);
  const config = pathOf('user', bob.userId, 'account_data', 'm.invite_permission_config');
  await bob.put(config, { default_action: 'block' });
  expect(await seen()).toEqual([[], [], 0]);
  const invite = await alice.request('POST', pathOf('rooms', await alice.createRoom(), 'invite'), {
    body: { user_id: bob.userId },
  });
  expect([invite.status, invite.json.errcode]).toEqual([403, 'M_INVITE_BLOCKED']);
  await bob.put(config, {});
  expect(await seen()).toEqual([[room], [room], 1]);
});

test('a server without TURN servers answers with an empty object', async () => {
  const plain = await startServer();
  const alice = await plain.user();
  const reply = await alice.request('GET', '/voip/turnServer');
  expect([reply.status, reply.json]).toEqual([200, {}]);
  await plain.close();
});

test('a push gateway gets notifications, also those from before its outage and a restart of the server', async () => {
  const gateway = await Gateway.open();
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat', name: 'Loud' });
  await bob.join(room);
  const pusher = {
    kind: 'http',
    app_id: 'org.example.app',
    pushkey: 'key',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: gateway.url, format: 'event_id_only' },
  };
  await bob.post('/pushers/set', pusher);
  expect(await bob.get('/pushers')).toEqual({ pushers: [pusher] });
  const first = await alice.send(room, 'one');
  await expect.poll(() => gateway.events).toEqual([first]);
  gateway.status = 503;
  const second = await alice.send(room, 'two');
  await expect.poll(() => gateway.refused).toBeGreaterThan(0);
  gateway.status = 200;
  await server.restart();
  const third = await alice.send(room, 'three');
  await expect.poll(() => gateway.events, { timeout: 5_000 }).toEqual([first, second, third]);
  const list = await bob.get<{ notifications: JsonObject[]; next_token?: string }>('/notifications', { limit: 2 });
  expect(list.notifications).toMatchObject([
    { event: { event_id: third }, room_id: room, read: false, actions: expect.arrayContaining(['notify']) },
    { event: { event_id: second }, room_id: room, read: false, ts: expect.any(Number) },
  ]);
  const rest = await bob.get<{ notifications: JsonObject[] }>('/notifications', { from: list.next_token });
  expect(rest.notifications).toMatchObject([{ event: { event_id: first } }]);
  await bob.post('/logout');
  await alice.send(room, 'to nobody');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(gateway.events).toHaveLength(3);
  await gateway.close();
});
