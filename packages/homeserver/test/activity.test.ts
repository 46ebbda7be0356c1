import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openActivity, type RoomsView } from '../src/compose/activity.ts';
import { openUserData, type UserData } from '../src/compose/user-data.ts';
import { Background } from '../src/platform/concurrency/background.ts';
import { complete } from '../src/platform/lookups/lookups.ts';
import { isVisible, receiptContent } from '../src/receipts/content.ts';
import { engines } from './storage/engines.ts';
import { openDomain } from './support/domain.ts';
import { refusal } from './support/refusal.ts';
import { PlainRooms } from './support/rooms.ts';
import { storedName } from './support/stored-name.ts';

describe.each(engines)('activity in rooms, on $name', (engine) => {
  let domain: Awaited<ReturnType<typeof openDomain>>;
  beforeAll(async () => {
    domain = await openDomain(engine);
  });
  afterAll(() => domain.end());

  const running: { close(): void }[] = [];
  afterEach(() => {
    for (const activity of running.splice(0)) activity.close();
  });
  const openOnce = (userData: UserData, view: RoomsView) => {
    const background = new Background(domain.clock, { error: (message) => expect.fail(message) });
    const activity = openActivity({ ...domain, background }, domain.users, userData, view);
    running.push(activity, background);
    return activity;
  };

  let count = 0;
  const open = async () => {
    count += 1;
    const { names, database } = domain;
    const rooms = new PlainRooms(names);
    const alice = { user: await storedName(database, names, `@alice${count}:x`), userId: `@alice${count}:x` };
    const bob = { user: await storedName(database, names, `@bob${count}:x`), userId: `@bob${count}:x` };
    const carol = { user: await storedName(database, names, `@carol${count}:x`), userId: `@carol${count}:x` };
    const roomId = `!room${count}:x`;
    await storedName(database, names, roomId);
    const room = await rooms.join(roomId, alice.user, bob.user);
    for (let seq = 1; seq <= 5; seq++) rooms.addEvent(room, `$${count}-${seq}`, seq);
    const event = (seq: number) => `$${count}-${seq}`;
    const userData = openUserData(domain, domain.users);
    const view = { membership: rooms, eventPlace: rooms.place };
    const activity = openOnce(userData, view);
    /** Opens the same data with empty caches, as after a restart. */
    const reopened = () => openOnce(userData, view);
    return { ...activity, ...userData, rooms, alice, bob, carol, room, roomId, event, reopened };
  };

  test('receipts only move forward, in each thread separately', async () => {
    const { receipts, rooms, alice, room, roomId, event, reopened } = await open();
    rooms.addEvent(room, event(4), 4, event(1));
    await receipts.send(alice, roomId, 'm.read', event(3));
    await receipts.send(alice, roomId, 'm.read', event(2));
    await receipts.send(alice, roomId, 'm.read', event(2), 'main');
    await receipts.send(alice, roomId, 'm.read', event(4), event(1));
    for (const some of [receipts, reopened().receipts]) {
      const own = [...(await some.receiptsOf(room)).ofUser(alice.user)].map((row) => [row.thread, row.seq]);
      expect(Object.fromEntries(own)).toEqual({ '': 3, main: 2, [event(1)]: 4 });
    }
  });

  test('receipts after a position come from the cache, and after a restart from the database', async () => {
    const { receipts, alice, bob, room, roomId, event, reopened } = await open();
    const before = domain.stream.current;
    await receipts.send(alice, roomId, 'm.read', event(1));
    const between = domain.stream.current;
    await receipts.send(alice, roomId, 'm.read', event(2));
    await receipts.send(bob, roomId, 'm.read.private', event(5));
    expect(receipts.changesSource.peek({ room, position: before })).toHaveLength(2);
    for (const some of [receipts, reopened().receipts]) {
      const changes = (position: number) => complete((lookups) => lookups.get(some.changesSource, { room, position }));
      const since = await changes(between);
      expect(since.map((row) => [row.user_id, row.event_id])).toEqual([
        [alice.userId, event(2)],
        [bob.userId, event(5)],
      ]);
      expect(since.filter((row) => isVisible(row, alice.user))).toHaveLength(1);
      expect(await changes(before)).toHaveLength(2);
      expect(await changes(domain.stream.current)).toEqual([]);
      expect([...((await some.receiptsOfRooms([room, 999])).get(room)?.all() ?? [])]).toHaveLength(2);
    }
  });

  test('receipts are refused from users outside the room and for unknown events, types and threads', async () => {
    const { receipts, rooms, alice, carol, room, roomId, event } = await open();
    expect(await refusal(receipts.send(carol, roomId, 'm.read', event(1)))).toBe('M_FORBIDDEN');
    expect(await refusal(receipts.send(alice, '!none:x', 'm.read', event(1)))).toBe('M_FORBIDDEN');
    expect(await refusal(receipts.send(alice, roomId, 'm.read', '$none'))).toBe('M_NOT_FOUND');
    expect(await refusal(receipts.send(alice, roomId, 'm.seen', event(1)))).toBe('M_INVALID_PARAM');
    expect(await refusal(receipts.send(alice, roomId, 'm.read', event(1), ''))).toBe('M_INVALID_PARAM');
    expect(await refusal(receipts.send(alice, roomId, 'm.read', event(1), '$none'))).toBe('M_INVALID_PARAM');
    expect(await refusal(receipts.send(alice, roomId, 'm.fully_read', event(1), 'main'))).toBe('M_INVALID_PARAM');
    expect(await refusal(receipts.send(alice, roomId, 'm.read', event(2), event(1)))).toBe('M_INVALID_PARAM');
    rooms.addEvent(room, event(4), 4, event(1));
    expect(await refusal(receipts.send(alice, roomId, 'm.read', event(4), 'main'))).toBe('M_INVALID_PARAM');
    expect(await refusal(receipts.send(alice, roomId, 'm.read', event(4), event(1)))).toBe('no refusal');
  });

  test('the fully read marker is account data and only moves forward', async () => {
    const { receipts, accountData, alice, room, roomId, event } = await open();
    await receipts.send(alice, roomId, 'm.fully_read', event(4));
    await receipts.send(alice, roomId, 'm.fully_read', event(2));
    expect(await accountData.content(alice.user, room, 'm.fully_read')).toBe(JSON.stringify({ event_id: event(4) }));
  });

  test('the content of m.receipt contains each user once for an event', () => {
    const row = {
      room: 1,
      user_num: 1,
      user_id: '@a:x',
      type: 1,
      thread: '',
      event_id: '$1',
      seq: 1,
      ts: 5,
      position: 1,
    };
    const rows = [row, { ...row, thread: 'main', ts: 6 }, { ...row, user_num: 2, user_id: '@b:x', thread: '$root' }];
    expect(JSON.parse(receiptContent(rows) ?? '')).toEqual({
      $1: { 'm.read': { '@a:x': { ts: 5 }, '@b:x': { ts: 5, thread_id: '$root' } } },
    });
    expect(receiptContent([])).toBeUndefined();
  });

  test('typing starts, is prolonged and ends by a timeout', async () => {
    const { typing, alice, bob, carol, room, roomId } = await open();
    const before = domain.stream.current;
    await typing.set(alice.user, roomId, true, 10_000);
    expect(typing.typingIn(room)).toMatchObject({ users: [alice.user] });
    await domain.clock.pass(8_000);
    await typing.set(alice.user, roomId, true, 10_000);
    await typing.set(bob.user, roomId, true);
    expect(domain.stream.current).toBe(before + 2);
    await domain.clock.pass(8_000);
    expect(typing.typingIn(room)?.users).toEqual([alice.user, bob.user]);
    await domain.clock.pass(3_000);
    expect(typing.typingIn(room)?.users).toEqual([bob.user]);
    await typing.set(bob.user, roomId, false);
    expect(typing.typingIn(room)).toEqual({ position: domain.stream.current, users: [] });
    expect(await refusal(typing.set(carol.user, roomId, true))).toBe('M_FORBIDDEN');
  });

  test('a user who leaves the room stops typing there', async () => {
    const { typing, rooms, alice, bob, room, roomId } = await open();
    await typing.set(alice.user, roomId, true);
    await typing.set(bob.user, roomId, true);
    rooms.leave(room, alice.user);
    await domain.stream.commit([], [{ kind: 'event', position: domain.stream.next(), room, event: 1 }]);
    await domain.clock.pass(0);
    expect(typing.typingIn(room)?.users).toEqual([bob.user]);
  });

  test('presence becomes online, unavailable and offline, and only changes are announced', async () => {
    const { presences, alice, bob, carol } = await open();
    const phone = { ...alice, device: 1 };
    const before = domain.stream.current;
    await presences.synced(phone, 'online', 0);
    await presences.synced(phone, 'online', 30_000);
    expect(domain.stream.current).toBe(before + 1);
    await presences.set(phone, 'online', 'here');
    expect(await presences.visibleTo(bob.user, alice.userId)).toEqual({
      presence: 'online',
      currently_active: true,
      last_active_ago: 0,
      status_msg: 'here',
    });
    expect(await refusal(presences.visibleTo(carol.user, alice.userId))).toBe('M_FORBIDDEN');
    expect(await complete((lookups) => presences.changedSince(lookups, bob.user, before))).toEqual([alice.user]);
    expect(await complete((lookups) => presences.changedSince(lookups, carol.user, before))).toEqual([]);
    expect(await complete((lookups) => presences.changedSince(lookups, bob.user, undefined))).toEqual([alice.user]);
    await domain.clock.pass(90_000);
    expect(await presences.visibleTo(bob.user, alice.userId)).toMatchObject({ currently_active: false });
    await presences.synced(phone, 'unavailable', 600_000);
    await domain.clock.pass(320_000);
    expect(await presences.visibleTo(bob.user, alice.userId)).toMatchObject({ presence: 'unavailable' });
    await domain.clock.pass(400_000);
    expect(await presences.visibleTo(bob.user, alice.userId)).toMatchObject({
      presence: 'offline',
      status_msg: 'here',
    });
    expect(await complete((lookups) => presences.changedSince(lookups, bob.user, undefined))).toEqual([]);
  });

  test('presence is that of the most active device, and does not change for other users', async () => {
    const { presences, alice, bob } = await open();
    const [phone, laptop] = [
      { ...alice, device: 1 },
      { ...alice, device: 2 },
    ];
    const state = async () => (await presences.visibleTo(bob.user, alice.userId)).presence;
    const before = domain.stream.current;
    for (let i = 0; i < 10; i++) {
      await presences.synced(phone, 'online', 30_000);
      await presences.synced(laptop, 'unavailable', 30_000);
      expect(await state()).toBe('online');
    }
    expect(domain.stream.current).toBe(before + 1);
    await presences.set(laptop, 'offline');
    expect(await state()).toBe('online');
    await presences.synced(laptop, 'unavailable', 90_000);
    await domain.clock.pass(80_000);
    expect(await state()).toBe('unavailable');
    await domain.clock.pass(60_000);
    expect(await state()).toBe('offline');
  });

  test('a status message is kept over a restart', async () => {
    const { presences, reopened, alice } = await open();
    await presences.set({ ...alice, device: 1 }, 'unavailable', 'away');
    const again = reopened();
    expect(await again.presences.visibleTo(alice.user, alice.userId)).toMatchObject({
      presence: 'offline',
      status_msg: 'away',
    });
  });
});
