import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RecentChanges as RecentByGroup } from '../../src/platform/caches/recent-changes.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import type { Change } from '../../src/storage/engine/stream.ts';
import { ChangeLog } from '../../src/sync/changes/change-log.ts';
import type { Interest } from '../../src/sync/changes/notifier.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type World } from '../support/world.ts';

describe('a change wakes', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const NEVER = new Cancellation();
  /** Begins to wait. Returns whether the request was woken. */
  const waiting = (interest: Interest, cancellation = NEVER, timeoutMs = 60_000) => {
    const state = { woken: false };
    void world.notifier.wait(interest, world.stream.current, timeoutMs, cancellation).then(() => {
      state.woken = true;
    });
    return state;
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
  const open = async () => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    // A client that waits has synced before, so its rooms are cached.
    for (const { user } of [alice, bob, carol]) await world.userRooms.of(user);
    return { alice, bob, carol, head };
  };

  test('members for changes in their room, and no other users', async () => {
    const { alice, bob, carol, head } = await open();
    const waiters = [alice, bob, carol].map(({ user }) => waiting({ user }));
    await world.say(alice, head, 'hello');
    await settled();
    expect(waiters.map(({ woken }) => woken)).toEqual([true, true, false]);
  });

  test('an invited user, and a removed user', async () => {
    const { alice, bob, carol, head } = await open();
    const [invited, removed] = [waiting({ user: carol.user }), waiting({ user: bob.user })];
    await world.joining.invite(head, alice, carol.userId);
    await settled();
    expect([invited.woken, removed.woken]).toEqual([true, true]);
    const again = waiting({ user: bob.user });
    await world.joining.kick(head, alice, bob.userId);
    await settled();
    expect(again.woken).toBe(true);
  });

  test('a request for one room, joined or not, only for changes in that room', async () => {
    const { alice, carol, head } = await open();
    const other = await world.room(alice);
    const peeking = waiting({ user: carol.user, rooms: new Set([head.num]) });
    await world.say(alice, other, 'elsewhere');
    await settled();
    expect(peeking.woken).toBe(false);
    await world.say(alice, head, 'here');
    await settled();
    expect(peeking.woken).toBe(true);
  });

  test('users for typing, receipts, account data and presence that concern them', async () => {
    const { alice, bob, carol, head } = await open();
    const woken = async (act: () => Promise<unknown>) => {
      const waiters = [alice, bob, carol].map(({ user }) => waiting({ user }));
      await act();
      await settled();
      return waiters.map((waiter) => waiter.woken);
    };
    const event = await world.say(alice, head, 'hello');
    expect(await woken(() => world.typing.set(bob.user, head.roomId, true))).toEqual([true, true, false]);
    const receipt = (type: 'm.read' | 'm.read.private') => world.receipts.send(bob, head.roomId, type, event.eventId);
    expect(await woken(() => receipt('m.read.private'))).toEqual([false, true, false]);
    expect(await woken(() => receipt('m.read'))).toEqual([true, true, false]);
    expect(await woken(() => world.presences.set(alice, 'online', 'here'))).toEqual([true, true, false]);
    expect(await woken(() => world.tags.set(bob.user, head.num, 'u.mine', {}))).toEqual([false, true, false]);
  });

  test('a listener who has not joined a room, for the presence of its members', async () => {
    const { alice, carol, head } = await open();
    const stranger = await world.person();
    const rooms = new Set([head.num]);
    const listening = waiting({ user: carol.user, rooms, membersOf: rooms });
    const withoutPresence = waiting({ user: carol.user, rooms });
    await world.presences.set(stranger, 'online', 'elsewhere');
    await settled();
    expect(listening.woken).toBe(false);
    await world.presences.set(alice, 'online', 'here');
    await settled();
    expect([listening.woken, withoutPresence.woken]).toEqual([true, false]);
  });

  test('at once if it is earlier than the wait; the wait also ends by timeout and by cancellation', async () => {
    const { alice, head } = await open();
    const before = world.stream.current;
    await world.say(alice, head, 'already');
    await world.notifier.wait({ user: alice.user }, before, 60_000, NEVER);
    await world.notifier.wait({ user: alice.user }, world.stream.current, 0, NEVER);
    const short = waiting({ user: alice.user }, NEVER, 1_000);
    const gone = new Cancellation();
    const left = waiting({ user: alice.user }, gone);
    gone.cancel();
    await world.clock.pass(1_001);
    await settled();
    expect([short.woken, left.woken]).toEqual([true, true]);
  });
});

const NOBODY = {
  heads: { cached: () => undefined },
  userRooms: { cached: () => undefined },
} as unknown as ConstructorParameters<typeof ChangeLog>[1];

describe('recent changes', () => {
  /** A stream without a database. */
  const stream = () => {
    const listeners: ((changes: readonly Change[]) => void)[] = [];
    const add = (position: number) => {
      for (const listener of listeners) listener([{ kind: 'typing', position, room: position % 3 }]);
    };
    return { current: 10, add, listen: (listener: (changes: readonly Change[]) => void) => listeners.push(listener) };
  };

  test('are returned after a position, in order, as long as they are remembered', () => {
    const given = stream();
    const recent = new ChangeLog(given, NOBODY);
    for (let position = 11; position <= 150_100; position += 1) given.add(position);
    const since = (position: number) => recent.since(position)?.map((change) => change.position);
    expect(since(150_098)).toEqual([150_099, 150_100]);
    expect(since(150_100)).toEqual([]);
    expect(since(10)).toBeUndefined();
    const oldest = Array.from({ length: 150_100 }, (_, i) => i).find((position) => since(position) !== undefined) ?? 0;
    expect(oldest).toBeGreaterThan(10_000);
    expect(since(oldest)?.[0]).toBe(oldest + 1);
    const inRoom = (room: number, position: number) =>
      recent.inRooms(1, new Set([room]), position)?.map((change) => change.position);
    expect(inRoom(0, 150_000)).toEqual(Array.from({ length: 33 }, (_, i) => 150_003 + 3 * i));
    expect(inRoom(5, 150_000)).toEqual([]);
    expect(inRoom(0, 10)).toBeUndefined();
  });

  test('are returned by group, the latest of each key; undefined if some may be forgotten', () => {
    const recent = new RecentByGroup<string>(8, 100);
    expect(recent.since([1], 99)).toBeUndefined();
    expect(recent.since([1], 100)).toEqual([]);
    recent.add(1, 'a', 101, 'a1');
    recent.add(1, 'b', 102, 'b1');
    recent.add(2, 'a', 103, 'other');
    recent.add(1, 'a', 104, 'a2');
    expect(recent.since([1], 100)?.sort()).toEqual(['a2', 'b1']);
    expect(recent.since([1, 2], 102)?.sort()).toEqual(['a2', 'other']);
    expect(recent.groupsSince(102)).toEqual(new Set([1, 2]));
    for (let position = 105; position <= 110; position += 1) recent.add(3, `${position}`, position, 'filler');
    expect(recent.since([1], 100)).toBeUndefined();
    expect(recent.groupsSince(101)).toBeUndefined();
    expect(recent.since([1], 103)).toEqual(['a2']);
  });
});
