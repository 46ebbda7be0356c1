import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import type { ClientEvent, Page, SyncReply, TestUser } from '../support/user.ts';

interface RoomAnswer {
  readonly room_id: string;
  readonly messages: Page;
  readonly state: ClientEvent[];
}

const WORLD_READABLE = {
  preset: 'public_chat',
  initial_state: [
    { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
    { type: 'm.room.guest_access', state_key: '', content: { guest_access: 'can_join' } },
  ],
};

describe('a world-readable room on another server', () => {
  /** The server of the room, another server in it, and the server whose users read it. */
  let home: FederatingServer;
  let other: FederatingServer;
  let reading: FederatingServer;
  let alice: TestUser;
  let bob: TestUser;
  let carol: TestUser;
  let guest: TestUser;
  beforeAll(async () => {
    [home, other, reading] = await Promise.all([
      startFederatingServer('127.0.0.2'),
      startFederatingServer('127.0.0.1'),
      startFederatingServer('127.0.0.3'),
    ]);
    [alice, bob, carol] = [await home.user('alice'), await other.user('bob'), await reading.user('carol')];
    guest = await reading.guest();
  });
  afterEach(() => expect([...home.faults, ...other.faults, ...reading.faults]).toEqual([]));
  afterAll(() => Promise.all([home.close(), other.close(), reading.close()]));

  const createRoom = (options: JsonObject = {}) =>
    alice.createRoom({ ...WORLD_READABLE, room_version: '11', ...options });
  const initialSync = (user: TestUser, roomId: string, query = {}) =>
    user.get<RoomAnswer>(pathOf('rooms', roomId, 'initialSync'), query);
  const refusal = async (user: TestUser, roomId: string) => {
    const { status, json } = await user.request('GET', pathOf('rooms', roomId, 'initialSync'));
    return [status, json.errcode];
  };
  const stateOf = async (user: TestUser, roomId: string) =>
    JSON.parse((await user.request('GET', pathOf('rooms', roomId, 'state'))).text) as ClientEvent[];
  const idsIn = (events: readonly ClientEvent[]) => events.map(({ event_id }) => event_id).sort();
  const bodies = (events: readonly ClientEvent[]) => events.flatMap(({ content }) => content.body ?? []);
  const peeksOf = async (server: FederatingServer, roomId: string) => {
    const rows = await server.look<{ server: string }>(
      `SELECT p.server FROM peeking_servers p JOIN names n ON n.num = p.room WHERE n.text = '${roomId}'`,
    );
    return rows.map((row) => row.server);
  };

  /** Reads the stream of a room until an event with a text arrives. Returns all texts. */
  async function textsUntil(user: TestUser, roomId: string, from: string, last: string): Promise<unknown[]> {
    const texts: unknown[] = [];
    for (let at = from; !texts.includes(last); ) {
      const page = await user.events({ room_id: roomId, from: at, timeout: 5_000 });
      if (page.chunk.length === 0) throw new Error(`${last} has not arrived after ${JSON.stringify(texts)}`);
      texts.push(...bodies(page.chunk));
      at = page.end ?? at;
    }
    return texts;
  }

  test.each(['1', '3', '6', '9', '10', '11', '12'])(
    'of version %s is read by a user and a guest who are not in it, and followed by /events',
    async (version) => {
      const roomId = await createRoom({ room_version: version, name: 'Open' });
      await alice.send(roomId, 'before');
      const via = version === '12' ? { via: home.name } : {};
      const first = await initialSync(carol, roomId, via);
      expect(bodies(first.messages.chunk)).toContain('before');
      expect(idsIn(first.state)).toEqual(idsIn(await stateOf(alice, roomId)));
      await bob.post(pathOf('join', roomId), {}, { server_name: home.name });
      await bob.send(roomId, 'of another server');
      await expect.poll(async () => bodies((await alice.messages(roomId)).chunk)).toContain('of another server');
      await alice.setState(roomId, 'm.room.topic', { topic: 'New' });
      await alice.send(roomId, 'after');
      for (const user of [carol, guest])
        expect(await textsUntil(user, roomId, first.messages.end ?? '', 'after')).toEqual([
          'of another server',
          'after',
        ]);
      expect(idsIn(await stateOf(guest, roomId))).toEqual(idsIn(await stateOf(alice, roomId)));
      expect(await peeksOf(home, roomId)).toEqual([reading.name]);
    },
  );

  test('is read back by /messages as far as on its own server', async () => {
    const roomId = await createRoom();
    for (let i = 0; i < 30; i += 1) await alice.send(roomId, `${i}`);
    const read = async (user: TestUser) => {
      const { messages } = await initialSync(user, roomId, { limit: 1 });
      const found = [...messages.chunk];
      for (let from: string | undefined = messages.start; from !== undefined; ) {
        const page: Page = await user.messages(roomId, { from, limit: 10 });
        found.push(...page.chunk);
        from = page.end;
      }
      return found.map(({ event_id }) => event_id);
    };
    const there = await read(await home.guest());
    expect(there.length).toBeGreaterThan(30);
    expect(await read(carol)).toEqual(there);
  });

  test('is read back over state events that have replaced others', async () => {
    const roomId = await createRoom();
    await bob.post(pathOf('join', roomId), {}, { server_name: home.name });
    await bob.send(roomId, 'before');
    await expect.poll(async () => bodies((await alice.messages(roomId)).chunk)).toContain('before');
    await bob.put(pathOf('profile', bob.userId, 'displayname'), { displayname: 'Bob' });
    const named = async () => (await alice.messages(roomId, { limit: 1 })).chunk[0]?.content.displayname;
    await expect.poll(named).toBe('Bob');
    await initialSync(carol, roomId);
    expect(bodies((await carol.messages(roomId, { limit: 50 })).chunk)).toEqual(['before']);
  });

  test('is found without naming a server if an alias has named one, and shown by /sync after a peek', async () => {
    const roomId = await createRoom({ room_version: '12', room_alias_name: 'open' });
    const { servers } = await carol.get<{ servers: string[] }>(pathOf('directory', 'room', `#open:${home.name}`));
    expect(servers).toEqual([home.name]);
    expect((await initialSync(carol, roomId)).room_id).toBe(roomId);
    const path = pathOf('peek', `#open:${home.name}`);
    const unstable = '/_matrix/client/unstable/org.matrix.msc2753';
    await carol.post(`${unstable}${path}`);
    await alice.send(roomId, 'seen');
    const seen = async () => {
      const { rooms } = await carol.sync();
      const peeked = (rooms as unknown as { peek?: Record<string, { timeline: Page['chunk'] }> }).peek ?? {};
      return JSON.stringify(peeked[roomId] ?? {});
    };
    await expect.poll(seen).toContain('seen');
  });

  test('is asked for once by many requests at the same time', async () => {
    const roomId = await createRoom();
    const users = Array.from({ length: 5 }, () => [carol, guest]).flat();
    const replies = await Promise.all(users.map((user) => initialSync(user, roomId)));
    expect(new Set(replies.map(({ state }) => state.length)).size).toBe(1);
    expect(await peeksOf(home, roomId)).toEqual([reading.name]);
  });

  test('shows the state after the branches of a fork', async () => {
    const roomId = await createRoom({ power_level_content_override: { events_default: 0, state_default: 0 } });
    await bob.post(pathOf('join', roomId), {}, { server_name: home.name });
    const both = (i: number) =>
      Promise.all([
        alice.setState(roomId, 'org.test.side', { i }, 'alice'),
        bob.setState(roomId, 'org.test.side', { i }, 'bob'),
      ]);
    for (let i = 0; i < 5; i += 1) await both(i);
    const { state } = await initialSync(carol, roomId);
    const sides = (events: readonly ClientEvent[]) =>
      events
        .flatMap((event) =>
          event.type === 'org.test.side' ? [`${event.state_key} ${JSON.stringify(event.content.i)}`] : [],
        )
        .toSorted();
    await expect.poll(async () => sides(await stateOf(carol, roomId))).toEqual(['alice 4', 'bob 4']);
    expect(sides(state)).toContain('alice 4');
  });

  test('is refused if it is not world-readable, is encrypted, or excludes the server', async () => {
    const visible = (history_visibility: string) => ({
      type: 'm.room.history_visibility',
      state_key: '',
      content: { history_visibility },
    });
    const encryption = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
    const acl = { type: 'm.room.server_acl', state_key: '', content: { allow: ['*'], deny: ['127.0.0.3'] } };
    const closed = [
      [visible('shared')],
      [...WORLD_READABLE.initial_state, encryption],
      [visible('world_readable'), acl],
    ];
    for (const initial_state of closed) {
      const roomId = await createRoom({ initial_state });
      expect(await refusal(carol, roomId)).toEqual([403, 'M_FORBIDDEN']);
      expect(await peeksOf(home, roomId)).toEqual([]);
    }
    expect(await refusal(carol, `!unknown:${home.name}`)).toEqual([403, 'M_FORBIDDEN']);
  });

  test('is no longer read when it is not world-readable any more', async () => {
    const roomId = await createRoom();
    const { messages } = await initialSync(carol, roomId);
    await alice.send(roomId, 'open');
    await textsUntil(carol, roomId, messages.end ?? '', 'open');
    await alice.setState(roomId, 'm.room.history_visibility', { history_visibility: 'joined' });
    await expect.poll(() => refusal(carol, roomId)).toEqual([403, 'M_FORBIDDEN']);
    const eventId = await alice.send(roomId, 'secret');
    await alice.setState(roomId, 'm.room.topic', { topic: 'secret' });
    await bob.post(pathOf('join', roomId), {}, { server_name: home.name });
    const { status } = await carol.request('GET', pathOf('rooms', roomId, 'event', eventId));
    expect(status).toBe(404);
    expect(await reading.look(`SELECT num FROM events WHERE content LIKE '%secret%'`)).toEqual([]);
  });

  test('is joined by a user of the server that reads it, which ends the peek', async () => {
    const roomId = await createRoom();
    await alice.send(roomId, 'before');
    const { messages } = await initialSync(carol, roomId);
    await alice.send(roomId, 'peeked');
    await textsUntil(carol, roomId, messages.end ?? '', 'peeked');
    await carol.join(roomId);
    await expect.poll(() => peeksOf(home, roomId)).toEqual([]);
    await alice.send(roomId, 'joined');
    await expect.poll(async () => bodies((await carol.messages(roomId)).chunk)).toContain('joined');
    await carol.send(roomId, 'reply');
    const all = ['before', 'peeked', 'joined', 'reply'];
    const texts = async (user: TestUser) => bodies((await user.messages(roomId, { limit: 50 })).chunk).reverse();
    await expect.poll(() => texts(carol)).toEqual(all);
    await expect.poll(() => texts(alice)).toEqual(all);
    const joined = (await carol.get<SyncReply>('/sync')).rooms?.join?.[roomId];
    expect(bodies(joined?.timeline.events ?? [])).toContain('joined');
    const known = `SELECT p.room FROM remote_peeks p JOIN names n ON n.num = p.room WHERE n.text = '${roomId}'`;
    await expect.poll(() => reading.look(known)).toEqual([]);
  });

  test('is followed across restarts of both servers', async () => {
    const roomId = await createRoom();
    const { messages } = await initialSync(carol, roomId);
    await home.restart();
    await alice.send(roomId, 'after the restart of its server');
    await textsUntil(carol, roomId, messages.end ?? '', 'after the restart of its server');
    await reading.stop();
    for (let i = 0; i < 5; i += 1) await alice.send(roomId, `missed ${i}`);
    await reading.restart();
    await alice.send(roomId, 'last');
    const texts = await textsUntil(carol, roomId, messages.end ?? '', 'last');
    expect(texts).toEqual(['after the restart of its server', ...[0, 1, 2, 3, 4].map((i) => `missed ${i}`), 'last']);
    expect(await peeksOf(home, roomId)).toEqual([reading.name]);
  });

  test('is not joined without other servers when nobody is in it any more', async () => {
    const roomId = await createRoom();
    const { messages } = await initialSync(carol, roomId);
    await alice.send(roomId, 'last');
    await textsUntil(carol, roomId, messages.end ?? '', 'last');
    await alice.leave(roomId);
    const path = pathOf('rooms', roomId, 'members');
    const members = async () => (await carol.get<{ chunk: JsonObject[] }>(path, { membership: 'join' })).chunk;
    await expect.poll(members).toEqual([]);
    const { status } = await carol.request('POST', pathOf('join', roomId));
    expect(status).not.toBe(200);
  });
});
