// This import is the first one, because the logger has to be replaced before the library copies its methods.
import './quiet.ts';

import {
  Direction,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  NotificationCountType,
  Preset,
  RelationType,
  type Room,
  TimelineWindow,
} from 'matrix-js-sdk';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { RestoredStore } from './restored-store.ts';
import { Clients, roomOf, textsIn, until } from './sdk.ts';

/** Everyday use of a client, with the library that most web clients use. */
describe('with matrix-js-sdk', () => {
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

  const say = async (client: MatrixClient, roomId: string, body: string) =>
    (await client.sendMessage(roomId, { msgtype: MsgType.Text, body })).event_id;
  const shows = (room: Room, eventId: string) => until(`${eventId} is shown`, () => room.findEventById(eventId));

  /** Creates a room with two users who both sync. */
  const pair = async (options: Parameters<Clients['start']>[1] = {}) => {
    const alice = await clients.start('alice', options);
    const bob = await clients.start('bob', options);
    const { room_id: roomId } = await alice.createRoom({ name: 'Journey', invite: [bob.getSafeUserId()] });
    await roomOf(bob, roomId, 'invite');
    await bob.joinRoom(roomId);
    return { alice, bob, roomId, alices: await roomOf(alice, roomId), bobs: await roomOf(bob, roomId) };
  };

  test.each([{ lazyLoadMembers: true }, { lazyLoadMembers: false }])('two people talk, %o', async (options) => {
    const { alice, bob, roomId, alices, bobs } = await pair(options);
    expect(bobs.name).toBe('Journey');
    await until('alice sees bob in the room', () => alices.getMember(bob.getSafeUserId())?.membership === 'join');
    for (const [i, client] of [alice, bob, alice, bob].entries()) {
      const eventId = await say(client, roomId, `message ${i}`);
      await shows(alices, eventId);
      await shows(bobs, eventId);
    }
    const texts = ['message 0', 'message 1', 'message 2', 'message 3'];
    // A remote echo that the sender's client does not recognise would appear twice.
    await until(
      'every echo has arrived',
      () => alices.getPendingEvents().length + bobs.getPendingEvents().length === 0,
    );
    expect(textsIn(alices)).toEqual(texts);
    expect(textsIn(bobs)).toEqual(texts);
    await Promise.all([alices, bobs].map((room) => room.loadMembersIfNeeded()));
    const members = [alice, bob].map((client) => client.getSafeUserId()).sort();
    for (const room of [alices, bobs]) {
      expect(
        room
          .getJoinedMembers()
          .map(({ userId }) => userId)
          .sort(),
      ).toEqual(members);
      expect(room.getJoinedMemberCount()).toBe(2);
    }
  });

  test('a message is edited, gets a reaction, and is redacted', async () => {
    const { alice, bob, roomId, bobs, alices } = await pair();
    const eventId = await say(alice, roomId, 'teh text');
    const shown = await shows(bobs, eventId);
    await alice.sendEvent(roomId, EventType.RoomMessage, {
      msgtype: MsgType.Text,
      body: '* the text',
      'm.new_content': { msgtype: MsgType.Text, body: 'the text' },
      'm.relates_to': { rel_type: RelationType.Replace, event_id: eventId },
    });
    await until('bob sees the edit', () => shown.getContent().body === 'the text');

    const relatesTo = { rel_type: RelationType.Annotation, event_id: eventId, key: '👍' } as const;
    await bob.sendEvent(roomId, EventType.Reaction, { 'm.relates_to': relatesTo });
    const reactions = () =>
      alices.relations
        .getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction)
        ?.getSortedAnnotationsByKey()
        ?.map(([key, events]) => [key, events.size]);
    await until('alice sees the reaction', () => reactions()?.length);
    expect(reactions()).toEqual([['👍', 1]]);

    await alice.redactEvent(roomId, eventId);
    await until('bob sees that it was taken back', () => shown.isRedacted());
    expect(shown.getContent()).toEqual({});
    const fetched = await bob.fetchRoomEvent(roomId, eventId);
    expect(fetched.content).toEqual({});
    expect(fetched.unsigned?.redacted_because).toMatchObject({ sender: alice.getUserId() });
  });

  test('a thread has its own timeline, for present users and for users who join later', async () => {
    const { alice, bob, roomId, alices, bobs } = await pair();
    const root = await say(alice, roomId, 'root');
    await shows(bobs, root);
    const reply = async (client: MatrixClient, body: string) =>
      (await client.sendMessage(roomId, root, { msgtype: MsgType.Text, body })).event_id;
    // While a thread is initialised, the library may count an arriving reply twice or not at all, so replies are sent
    // one by one.
    const isSetUp = (room: Room) => until('the thread is there', () => room.getThread(root)?.initialEventsFetched);
    await reply(bob, 'first');
    await isSetUp(alices);
    await reply(alice, 'second');
    await isSetUp(bobs);
    const third = await reply(bob, 'third');
    for (const room of [alices, bobs]) {
      const thread = await until('the thread is known', () => room.getThread(root));
      await until('it has its replies', () => thread.length === 3 && thread.replyToEvent?.getId() === third);
      expect(textsIn(room)).toEqual(['root']);
    }
    await alice.redactEvent(roomId, third);
    await until('the thread is shorter', () => bobs.getThread(root)?.length === 2);

    const later = await clients.sync(clients.again(await login(bob)));
    const room = await roomOf(later, roomId);
    await room.createThreadsTimelineSets();
    await room.fetchRoomThreads();
    const listed = await until('the thread list is there', () => room.threadsTimelineSets[0]);
    const [event] = listed.getLiveTimeline().getEvents();
    expect(event?.getId()).toBe(root);
    const thread = await until('the thread is known', () => room.getThread(root));
    expect(thread.length).toBe(2);
    expect(thread.hasCurrentUserParticipated).toBe(true);
  });

  /** Logs a user in a second time. */
  const login = (client: MatrixClient) => {
    const user = client.getUserIdLocalpart() ?? '';
    return client.loginRequest({
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user },
      password: user,
    });
  };

  test('unread messages are counted until they are read, in the room and in its threads', async () => {
    const { alice, bob, roomId, alices, bobs } = await pair();
    await say(alice, roomId, 'one');
    const root = await say(alice, roomId, `hello ${bob.getUserIdLocalpart()}`);
    const counts = (room: Room) => [
      room.getRoomUnreadNotificationCount(NotificationCountType.Total),
      room.getRoomUnreadNotificationCount(NotificationCountType.Highlight),
    ];
    await until('both are counted', () => counts(bobs)[0] === 2);
    expect(counts(bobs)).toEqual([2, 1]);
    expect(counts(alices)).toEqual([0, 0]);
    await bob.sendReadReceipt(await shows(bobs, root));
    await until('nothing is unread', () => counts(bobs)[0] === 0);
    await until('alice sees how far bob has read', () => alices.getEventReadUpTo(bob.getSafeUserId()) === root);

    const { event_id: reply } = await alice.sendMessage(roomId, root, { msgtype: MsgType.Text, body: 'in a thread' });
    const inThread = () => bobs.getThreadUnreadNotificationCount(root, NotificationCountType.Total);
    await until('the reply is counted in its thread', () => inThread() === 1);
    expect(counts(bobs)[0]).toBe(0);
    const thread = await until('bob has the thread', () => bobs.getThread(root));
    await bob.sendReadReceipt(await until('bob has the reply', () => thread.findEventById(reply)));
    await until('the thread is read', () => inThread() === 0);
  });

  test('clients see when a user starts and stops typing', async () => {
    const { alice, bob, roomId, alices } = await pair();
    const typing = () => alices.getMember(bob.getSafeUserId())?.typing;
    await bob.sendTyping(roomId, true, 5_000);
    await until('bob is typing', () => typing());
    await bob.sendTyping(roomId, false, 0);
    await until('bob has stopped', () => typing() === false);
    await bob.sendTyping(roomId, true, 60_000);
    await until('bob is typing', () => typing());
    await bob.leave(roomId);
    await until('bob has left and types no more', () => typing() === false);
    expect(alice.getRoom(roomId)?.getJoinedMemberCount()).toBe(1);
  });

  /** Returns all events that a client can page through, in the order of the timelines. */
  const everything = async (client: MatrixClient, room: Room, from?: string) => {
    const window = new TimelineWindow(client, room.getUnfilteredTimelineSet(), { windowLimit: 1_000 });
    await window.load(from, 6);
    for (const direction of [Direction.Backward, Direction.Forward])
      while (window.canPaginate(direction)) await window.paginate(direction, 10);
    return window.getEvents();
  };
  const messages = (events: MatrixEvent[]) =>
    events.filter((event) => event.getType() === 'm.room.message').map((event) => event.getContent().body);

  test('a client that was offline paginates over the gap to the beginning', async () => {
    const { alice, bob, roomId } = await pair();
    bob.stopClient();
    const sent = Array.from({ length: 45 }, (_, i) => `message ${i}`);
    const ids: string[] = [];
    for (const body of sent) ids.push(await say(alice, roomId, body));
    const later = await clients.sync(clients.again(await login(bob)), { initialSyncLimit: 4 });
    const room = await roomOf(later, roomId);
    expect(textsIn(room)).toEqual(sent.slice(-4));
    const events = await everything(later, room);
    expect(messages(events)).toEqual(sent);
    expect(events[0]?.getType()).toBe('m.room.create');

    // A permalink opens the middle of the timeline and paginates in both directions.
    const linked = await clients.sync(clients.again(await login(bob)), { initialSyncLimit: 4 });
    expect(messages(await everything(linked, await roomOf(linked, roomId), ids[20]))).toEqual(sent);
  });

  test('a gap in the middle of a session is filled', async () => {
    const { alice, bob, roomId, bobs } = await pair({ initialSyncLimit: 5 });
    await shows(bobs, await say(alice, roomId, 'before'));
    bob.stopClient();
    const away = Array.from({ length: 30 }, (_, i) => `away ${i}`);
    for (const body of away) await say(alice, roomId, body);
    await clients.sync(bob, { initialSyncLimit: 5 });
    await until('bob is up to date', () => textsIn(bobs).at(-1) === 'away 29');
    expect(textsIn(bobs)).toEqual(away.slice(-5));
    expect(messages(await everything(bob, bobs))).toEqual(['before', ...away]);
  });

  test('a client continues from its stored token, also after a restart of the server', async () => {
    const { alice, bob, roomId } = await pair();
    const session = await login(bob);
    const store = new RestoredStore();
    const first = await clients.sync(clients.again(session, store));
    await shows(await roomOf(first, roomId), await say(alice, roomId, 'seen'));
    const token = await until('the token is kept', () => store.getSyncToken());
    clients.stop();
    await server.restart();
    const again = clients.again({ user_id: alice.getSafeUserId(), access_token: alice.getAccessToken() ?? '' });
    await say(again, roomId, 'missed');
    const second = clients.again(session, store.reopened());
    const asked: (string | undefined)[] = [];
    const ask = second.http.authedRequest.bind(second.http);
    second.http.authedRequest = ((...call: Parameters<typeof ask>) => {
      const [, path, query] = call;
      if (path === '/sync') asked.push(query?.since?.toString());
      return ask(...call);
    }) as typeof second.http.authedRequest;
    await clients.sync(second);
    const room = await roomOf(second, roomId);
    await until('what was missed is there', () => textsIn(room).includes('missed'));
    expect(asked[0]).toBe(token);
    expect(textsIn(room)).toEqual(['seen', 'missed']);
  });

  test('a room is upgraded, and its members find the new room', async () => {
    const { alice, bob, roomId, bobs } = await pair();
    const { replacement_room: replacement } = await alice.upgradeRoom(roomId, '11');
    const tombstone = await until('bob sees the tombstone', () =>
      bobs.currentState.getStateEvents(EventType.RoomTombstone, ''),
    );
    expect(tombstone.getContent().replacement_room).toBe(replacement);
    await alice.invite(replacement, bob.getSafeUserId());
    await bob.joinRoom(replacement);
    const next = await roomOf(bob, replacement);
    expect(next.getVersion()).toBe('11');
    expect(next.name).toBe('Journey');
    expect(next.findPredecessor()?.roomId).toBe(roomId);
  });

  test('a guest sees new messages of a world readable room', async () => {
    const alice = await clients.start('alice');
    const { room_id: roomId } = await alice.createRoom({
      preset: Preset.PublicChat,
      name: 'Window',
      initial_state: [
        { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'world_readable' } },
      ],
    });
    const before = await say(alice, roomId, 'before');
    const guest = await clients.guest();
    const room = await guest.peekInRoom(roomId);
    expect(room.name).toBe('Window');
    expect(textsIn(room)).toEqual(['before']);
    const live = await say(alice, roomId, 'live');
    expect((await shows(room, live)).getContent().body).toBe('live');
    await alice.setRoomName(roomId, 'Door');
    const name = () => room.currentState.getStateEvents(EventType.RoomName, '')?.getContent().name;
    await until('the guest sees the new name', () => name() === 'Door');
    expect(textsIn(room)).toEqual(['before', 'live']);
    expect(room.findEventById(before)?.getSender()).toBe(alice.getUserId());
    await alice.sendStateEvent(roomId, EventType.RoomHistoryVisibility, { history_visibility: 'shared' } as never, '');
    await say(alice, roomId, 'behind the curtain');
    guest.stopPeeking();
    await expect(guest.peekInRoom(roomId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    expect(textsIn(room)).toEqual(['before', 'live']);
  });
});
