import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../../tests/support/server.ts';
import { SLIDING_PATH, SlidingLoop, type SlidingReply } from '../../../../../tests/support/sliding.ts';
import type { ClientEvent, TestUser } from '../../../../../tests/support/user.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.close();
  expect(server.faults).toEqual([]);
});

/** One list of all rooms, with some state and the latest events. */
const all = (limit = 10, state: string[][] = []) => ({
  lists: { all: { ranges: [[0, 99]], timeline_limit: limit, required_state: state } },
});

const bodies = (events: readonly ClientEvent[] = []) =>
  events.flatMap(({ type, content }) => (type === 'm.room.message' ? [content.body] : []));

const say = (user: TestUser, room: string, body: string) =>
  user.sendEvent(room, 'm.room.message', { msgtype: 'm.text', body });

async function pair(): Promise<[TestUser, TestUser, string]> {
  const [alice, bob] = [await server.user(), await server.user()];
  const room = await alice.createRoom({ preset: 'public_chat', name: 'Lobby' });
  await bob.join(room);
  return [alice, bob, room];
}

const order = (reply: SlidingReply, list = 'all') => reply.lists[list]?.ops.flatMap(({ room_ids }) => room_ids);

describe('sliding sync: rooms', () => {
  test('the first answer contains the whole room, later ones its changes', async () => {
    const [alice, bob, room] = await pair();
    await say(alice, room, 'one');
    const loop = new SlidingLoop(bob);
    const first = await loop.next({ ...all(2, [['m.room.name', '']]), txn_id: 'tx' });
    expect(first.txn_id).toBe('tx');
    expect(first.lists.all?.count).toBe(1);
    const whole = first.rooms[room];
    expect(whole).toMatchObject({
      initial: true,
      membership: 'join',
      name: 'Lobby',
      joined_count: 2,
      limited: true,
      num_live: 0,
    });
    expect(whole?.required_state?.map(({ type }) => type)).toEqual(['m.room.name']);
    expect(whole?.timeline?.map(({ type }) => type)).toEqual(['m.room.member', 'm.room.message']);
    await say(alice, room, 'two');
    const second = await loop.next(all(2, [['m.room.name', '']]));
    expect(second.rooms[room]).toMatchObject({ num_live: 1, limited: false, notification_count: 2 });
    expect(second.rooms[room]?.initial).toBeUndefined();
    expect(second.rooms[room]?.name).toBeUndefined();
    expect(bodies(second.rooms[room]?.timeline)).toEqual(['two']);
    expect((await loop.next(all(2, [['m.room.name', '']]))).rooms).toEqual({});
  });

  test('waits if there are no changes', async () => {
    const [alice, bob, room] = await pair();
    const loop = new SlidingLoop(bob);
    await loop.next(all());
    const waiting = loop.next(all(), 20_000);
    await say(alice, room, 'hello');
    expect(bodies((await waiting).rooms[room]?.timeline)).toEqual(['hello']);
  });

  test('a lost answer is repeated, and only the latest two positions are valid', async () => {
    const [alice, bob, room] = await pair();
    const loop = new SlidingLoop(bob);
    await loop.next(all());
    const other = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(other);
    await say(alice, room, 'hello');
    const lost = await loop.retry(all());
    expect(bodies(lost.rooms[room]?.timeline)).toEqual(['hello']);
    const again = await loop.next(all());
    expect(bodies(again.rooms[room]?.timeline)).toEqual(['hello']);
    expect(again.rooms[other]?.initial).toBe(true);
    await loop.next(all());
    const old = await bob.request('POST', SLIDING_PATH, { body: all(), query: { pos: lost.pos } });
    expect([old.status, old.json.errcode]).toEqual([400, 'M_UNKNOWN_POS']);
  });

  test('a position belongs to one device and one connection', async () => {
    const [alice, bob] = await pair();
    const { pos } = await new SlidingLoop(bob, 'main').next(all());
    const reply = (user: TestUser, conn_id: string, value: string) =>
      user.request('POST', SLIDING_PATH, { body: { conn_id, ...all() }, query: { pos: value } });
    expect((await reply(bob, 'main', pos)).status).toBe(200);
    for (const refused of [
      await reply(alice, 'main', pos),
      await reply(bob, 'other', pos),
      await reply(bob, 'main', 'nonsense'),
    ]) {
      expect([refused.status, refused.json.errcode]).toEqual([400, 'M_UNKNOWN_POS']);
    }
  });

  test('positions are valid after a restart', async () => {
    const [alice, bob, room] = await pair();
    const loop = new SlidingLoop(bob, 'phone');
    await loop.next(all());
    await say(alice, room, 'before');
    await server.restart();
    await say(alice, room, 'after');
    const reply = await loop.next(all());
    expect(reply.rooms[room]?.initial).toBeUndefined();
    expect(bodies(reply.rooms[room]?.timeline)).toEqual(['before', 'after']);
  });

  test('changed state is returned even if the timeline limit excludes it', async () => {
    const [alice, bob, room] = await pair();
    const wish = all(1, [
      ['m.room.topic', ''],
      ['org.example.*', ''],
    ]);
    const loop = new SlidingLoop(bob);
    await loop.next(wish);
    await alice.setState(room, 'm.room.topic', { topic: 'New' });
    await alice.setState(room, 'm.room.name', { name: 'Other' });
    await say(alice, room, 'last');
    const { [room]: news } = (await loop.next(wish)).rooms;
    expect(news).toMatchObject({ limited: true, name: 'Other' });
    expect(news?.required_state?.map(({ content }) => content)).toEqual([{ topic: 'New' }]);
    expect(bodies(news?.timeline)).toEqual(['last']);
  });

  test('wildcards and $ME; everything but members by ["*", "*"] with $LAZY', async () => {
    const [alice, bob, room] = await pair();
    const keysOf = async (state: string[][]) => {
      const reply = await new SlidingLoop(bob).next(all(1, state));
      return reply.rooms[room]?.required_state?.map(({ type, state_key }) => `${type} ${state_key}`).sort() ?? [];
    };
    expect(await keysOf([['m.room.member', '$ME']])).toEqual([`m.room.member ${bob.userId}`]);
    expect(await keysOf([['m.room.member', '*']])).toEqual(
      [`m.room.member ${alice.userId}`, `m.room.member ${bob.userId}`].sort(),
    );
    await say(alice, room, 'x');
    const rest = await keysOf([
      ['*', '*'],
      ['m.room.member', '$LAZY'],
    ]);
    expect(rest).toContain('m.room.create ');
    expect(rest).toContain(`m.room.member ${alice.userId}`);
    expect(rest).not.toContain(`m.room.member ${bob.userId}`);
  });

  test('lazily loaded members are returned once, with their first event', async () => {
    const [alice, bob, room] = await pair();
    const wish = all(1, [['m.room.member', '$LAZY']]);
    const loop = new SlidingLoop(bob);
    await loop.next(wish);
    await say(alice, room, 'one');
    const members = (reply: SlidingReply) => reply.rooms[room]?.required_state?.map(({ state_key }) => state_key);
    expect(members(await loop.next(wish))).toEqual([alice.userId]);
    await say(alice, room, 'two');
    expect(members(await loop.next(wish))).toBeUndefined();
  });

  test('lazily loaded members are returned again after a lost answer at the same position', async () => {
    const [alice, bob, room] = await pair();
    await say(bob, room, 'one');
    await say(alice, room, 'two');
    const wish = all(1, [['m.room.member', '$LAZY']]);
    const more = all(2, [['m.room.member', '$LAZY']]);
    const loop = new SlidingLoop(bob);
    const members = (reply: SlidingReply) => reply.rooms[room]?.required_state?.map(({ state_key }) => state_key);
    expect(members(await loop.next(wish))).toEqual([alice.userId]);
    expect(members(await loop.retry(more))).toEqual([bob.userId]);
    expect(members(await loop.next(more))).toEqual([bob.userId]);
    await say(bob, room, 'three');
    expect(members(await loop.next(more))).toBeUndefined();
  });

  test('a larger timeline limit is answered at once, with expanded_timeline', async () => {
    const [alice, bob, room] = await pair();
    for (const text of ['a', 'b', 'c', 'd']) await say(alice, room, text);
    const loop = new SlidingLoop(bob);
    expect(bodies((await loop.next(all(1))).rooms[room]?.timeline)).toEqual(['d']);
    const grown = (
      await loop.next({ ...all(1), room_subscriptions: { [room]: { timeline_limit: 3, required_state: [] } } })
    ).rooms[room];
    expect(grown).toMatchObject({ unstable_expanded_timeline: true, num_live: 0 });
    expect(bodies(grown?.timeline)).toEqual(['b', 'c', 'd']);
    const page = await bob.get<{ chunk: ClientEvent[] }>(`/rooms/${room}/messages`, {
      dir: 'b',
      limit: 1,
      from: grown?.prev_batch,
    });
    expect(bodies(page.chunk)).toEqual(['a']);
  });

  test('additional required state is returned at once', async () => {
    const [, bob, room] = await pair();
    const loop = new SlidingLoop(bob);
    await loop.next(all(1, [['m.room.name', '']]));
    const { [room]: more } = (
      await loop.next(
        all(1, [
          ['m.room.name', ''],
          ['m.room.create', ''],
        ]),
      )
    ).rooms;
    expect(more?.required_state?.map(({ type }) => type)).toEqual(['m.room.create']);
  });
});

describe('sliding sync: lists', () => {
  test('rooms are sorted by their latest activity, and a room is returned when it enters the range', async () => {
    const alice = await server.user();
    const [first, second, third] = [await alice.createRoom(), await alice.createRoom(), await alice.createRoom()];
    const top = (limit: number) => ({
      lists: { all: { ranges: [[0, limit - 1]], timeline_limit: 5, required_state: [] } },
    });
    const loop = new SlidingLoop(alice);
    const begin = await loop.next(top(2));
    expect(begin.lists.all?.count).toBe(3);
    expect(order(begin)).toEqual([third, second]);
    expect(Object.keys(begin.rooms).sort()).toEqual([second, third].sort());
    await say(alice, first, 'up');
    const moved = await loop.next(top(2));
    expect(order(moved)).toEqual([first, third]);
    expect(moved.rooms[first]?.initial).toBe(true);
    // The room `second` has left the range. Its changes are returned when it enters the range again.
    await say(alice, second, 'one');
    await say(alice, third, 'x');
    await say(alice, first, 'y');
    const without = await loop.next(top(2));
    expect(Object.keys(without.rooms).sort()).toEqual([first, third].sort());
    await say(alice, third, 'z');
    await loop.next(top(2));
    const back = await loop.next(top(3));
    expect(back.rooms[second]?.initial).toBeUndefined();
    expect(bodies(back.rooms[second]?.timeline)).toEqual(['one']);
  });

  test('the filters of a list select its rooms', async () => {
    const [alice, bob] = [await server.user(), await server.user()];
    const plain = await alice.createRoom({ name: 'Plain Tea' });
    const space = await alice.createRoom({ creation_content: { type: 'm.space' }, name: 'Space' });
    const secret = await alice.createRoom({
      initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
    });
    const invited = await bob.createRoom({ invite: [alice.userId] });
    await alice.put(`/user/${alice.userId}/account_data/m.direct`, { [bob.userId]: [secret] });
    await alice.put(`/user/${alice.userId}/rooms/${plain}/tags/m.favourite`, {});
    await alice.setState(space, 'm.space.child', { via: ['hearth.test'] }, plain);
    const rooms = async (filters: Record<string, unknown>) => {
      const lists = { all: { ranges: [[0, 99]], timeline_limit: 1, required_state: [], filters } };
      return order(await new SlidingLoop(alice).next({ lists } as never))?.sort();
    };
    expect(await rooms({})).toEqual([plain, space, secret, invited].sort());
    expect(await rooms({ is_dm: true })).toEqual([secret]);
    expect(await rooms({ is_encrypted: true })).toEqual([secret]);
    expect(await rooms({ is_invite: true })).toEqual([invited]);
    expect(await rooms({ is_invite: false, not_room_types: ['m.space'] })).toEqual([plain, secret].sort());
    expect(await rooms({ room_types: ['m.space'] })).toEqual([space]);
    expect(await rooms({ room_types: [null], is_invite: false })).toEqual([plain, secret].sort());
    expect(await rooms({ tags: ['m.favourite'] })).toEqual([plain]);
    expect(await rooms({ not_tags: ['m.favourite'], is_invite: false })).toEqual([space, secret].sort());
    expect(await rooms({ room_name_like: 'tea' })).toEqual([plain]);
    expect(await rooms({ spaces: [space] })).toEqual([plain]);
    await alice.setState(plain, 'm.room.name', { name: 'Coffee' });
    expect(await rooms({ room_name_like: 'tea' })).toEqual([]);
  });

  test('an invitation has stripped state, and the join the whole room', async () => {
    const [alice, bob] = [await server.user(), await server.user()];
    const loop = new SlidingLoop(bob);
    await loop.next(all());
    const room = await alice.createRoom({ preset: 'private_chat', name: 'Inner', invite: [bob.userId] });
    const invite = (await loop.next(all())).rooms[room];
    expect(invite).toMatchObject({ initial: true, membership: 'invite' });
    expect(invite?.timeline).toBeUndefined();
    expect(invite?.required_state).toBeUndefined();
    expect(invite?.invite_state?.map(({ type }) => type)).toContain('m.room.name');
    await bob.join(room);
    expect((await loop.next(all())).rooms[room]).toMatchObject({ initial: true, membership: 'join', name: 'Inner' });
  });

  test('a kick is returned, and no later events of the room', async () => {
    const [alice, bob, room] = await pair();
    const loop = new SlidingLoop(bob);
    await loop.next(all());
    await alice.post(`/rooms/${room}/kick`, { user_id: bob.userId });
    await say(alice, room, 'secret');
    const kicked = (await loop.next(all())).rooms[room];
    expect(kicked?.membership).toBe('leave');
    expect(kicked?.timeline?.map(({ type }) => type)).toEqual(['m.room.member']);
    await say(alice, room, 'more');
    expect((await loop.next(all())).rooms).toEqual({});
    expect((await new SlidingLoop(bob).next(all(50))).rooms[room]?.timeline?.map(({ type }) => type)).not.toContain(
      'm.room.message',
    );
  });

  test('rooms that the user has left are returned only to clients that have them', async () => {
    const [, bob, room] = await pair();
    const loop = new SlidingLoop(bob);
    await loop.next(all());
    await bob.leave(room);
    expect((await loop.next(all())).rooms[room]?.membership).toBe('leave');
    expect((await new SlidingLoop(bob).next(all())).rooms).toEqual({});
  });

  test('a subscription to a room of other users returns nothing', async () => {
    const [alice, carol] = [await server.user(), await server.user()];
    const room = await alice.createRoom({ preset: 'private_chat' });
    const reply = await new SlidingLoop(carol).next({
      room_subscriptions: {
        [room]: { timeline_limit: 5, required_state: [['*', '*']] },
        '!no:where': { timeline_limit: 1 },
      },
    });
    expect(reply.rooms).toEqual({});
  });
});

describe('sliding sync: extensions', () => {
  const with_ = (extensions: Record<string, { enabled: boolean }>) => ({ ...all(5), extensions });

  test('messages to a device continue after those of a /sync answer', async () => {
    const alice = await server.user();
    for (let n = 0; n < 101; n += 1)
      await alice.put(`/sendToDevice/m.test/${n}`, { messages: { [alice.userId]: { [alice.deviceId]: { n } } } });
    const { next_batch: since } = await alice.sync();
    const { extensions } = await new SlidingLoop(alice).next({ extensions: { to_device: { enabled: true, since } } });
    expect(extensions.to_device?.events).toMatchObject([{ content: { n: 100 } }]);
  });

  test('return all account data first, and then its changes', async () => {
    const [, bob, room] = await pair();
    const path = `/user/${bob.userId}`;
    await bob.put(`${path}/account_data/org.example`, { a: 1 });
    await bob.put(`${path}/rooms/${room}/account_data/org.example.room`, { b: 1 });
    const loop = new SlidingLoop(bob);
    const wish = with_({ account_data: { enabled: true } });
    const types = (reply: SlidingReply) => {
      const data = reply.extensions.account_data as
        | { global?: ClientEvent[]; rooms?: Record<string, ClientEvent[]> }
        | undefined;
      return [data?.global?.map(({ type }) => type).sort(), data?.rooms?.[room]?.map(({ type }) => type)];
    };
    expect(types(await loop.next(wish))).toEqual([['m.push_rules', 'org.example'], ['org.example.room']]);
    expect(types(await loop.next(wish))).toEqual([undefined, undefined]);
    const waiting = loop.next(wish, 20_000);
    await bob.put(`${path}/rooms/${room}/account_data/org.example.room`, { b: 2 });
    expect(types(await waiting)).toEqual([undefined, ['org.example.room']]);
  });

  test('return receipts and typing, also if they are enabled later', async () => {
    const [alice, bob, room] = await pair();
    const event = await say(bob, room, 'read me');
    const loop = new SlidingLoop(bob);
    await loop.next(all(5));
    await alice.post(`/rooms/${room}/receipt/m.read/${encodeURIComponent(event)}`);
    await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 30_000 });
    const wish = with_({ receipts: { enabled: true }, typing: { enabled: true } });
    const { extensions } = await loop.next(wish);
    expect(extensions.receipts).toMatchObject({
      rooms: { [room]: { content: { [event]: { 'm.read': { [alice.userId]: {} } } } } },
    });
    expect(extensions.typing).toMatchObject({ rooms: { [room]: { content: { user_ids: [alice.userId] } } } });
    expect((await loop.next(wish)).extensions).toEqual({});
    await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: false });
    expect((await loop.next(wish)).extensions.typing).toMatchObject({
      rooms: { [room]: { content: { user_ids: [] } } },
    });
  });

  test('are limited to the named lists and rooms', async () => {
    const [alice, bob, room] = await pair();
    await alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 30_000 });
    const ask = async (typing: Record<string, unknown>, body: Record<string, unknown> = all()) =>
      (await new SlidingLoop(bob).next({ ...body, extensions: { typing: { enabled: true, ...typing } } })).extensions
        .typing;
    const subscription = { room_subscriptions: { [room]: { timeline_limit: 1, required_state: [] } } };
    expect(await ask({})).toBeDefined();
    expect(await ask({ lists: [] })).toBeUndefined();
    expect(await ask({ lists: [], rooms: [] }, subscription)).toBeUndefined();
    expect(await ask({ lists: [], rooms: [room] }, subscription)).toBeDefined();
  });
});
