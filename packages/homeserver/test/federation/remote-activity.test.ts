import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { complete } from '../../src/platform/lookups/lookups.ts';
import { PresenceSender } from '../../src/presence/presence-sender.ts';
import { RemotePresence } from '../../src/presence/remote-presence.ts';
import { EarlyReceipts } from '../../src/receipts/early-receipts.ts';
import { RemoteReceipts } from '../../src/receipts/remote-receipts.ts';
import type { Head } from '../../src/rooms/head.ts';
import { RemoteTyping } from '../../src/typing/remote-typing.ts';
import { engines } from '../storage/engines.ts';
import type { Person } from '../support/world.ts';
import { openSharedWorld, type SharedWorld } from './support/shared-world.ts';

const ELSEWHERE = 'elsewhere.test';
const [SQLITE] = engines;
if (SQLITE === undefined) throw new Error('there is no engine');

let count = 0;

describe('activity in rooms with other servers', () => {
  let world: SharedWorld;
  let remoteTyping: RemoteTyping;
  let remoteReceipts: RemoteReceipts;
  let remotePresence: RemotePresence;
  beforeAll(async () => {
    world = await openSharedWorld(SQLITE);
    const { typing, receipts, presences, stream, background } = world;
    remoteTyping = new RemoteTyping(world);
    typing.observeWith(remoteTyping);
    remoteReceipts = new RemoteReceipts({ ...world, early: new EarlyReceipts(world) });
    receipts.observeWith((receipt) => remoteReceipts.send(receipt));
    remotePresence = new RemotePresence(world);
    new PresenceSender({ ...world, presences, serverName: 'test.local' }, stream, background);
  });
  afterAll(async () => {
    await world.end();
    expect(world.faults).toEqual([]);
  });

  /** Returns a room with a user of this server and one of another. */
  const shared = async (): Promise<{ alice: Person; bob: Person; head: Head }> => {
    count += 1;
    const alice = await world.person();
    const bob = await world.stranger(`@bob${count}:${ELSEWHERE}`);
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    await world.clock.pass(2_000);
    world.queued.splice(0);
    return { alice, bob, head };
  };
  const typingIn = (head: Head) => world.typing.typingIn(head.num)?.users ?? [];
  const receiptsOf = async (head: Head) =>
    [...(await world.receipts.receiptsOf(head.num)).all()].map((row) => [row.user_id, row.event_id, row.thread]);
  const presenceOf = (user: number) => complete((lookups) => world.presences.contentOf(lookups, user));
  const typingEdu = (head: Head, by: Person, typing: unknown = true) => ({
    room_id: head.roomId,
    user_id: by.userId,
    typing: typing as boolean,
  });

  describe('typing', () => {
    test('is sent for own users when it changes, and again while it lasts', async () => {
      const { alice, head } = await shared();
      const sent = () => world.taken('m.typing').map(([server, content]) => [server, (content as JsonObject).typing]);
      await world.typing.set(alice.user, head.roomId, true, 100_000);
      await world.typing.set(alice.user, head.roomId, true, 100_000);
      await world.clock.pass(0);
      expect(sent()).toEqual([[ELSEWHERE, true]]);
      await world.clock.pass(41_000);
      await world.typing.set(alice.user, head.roomId, true, 100_000);
      await world.clock.pass(0);
      expect(sent()).toEqual([[ELSEWHERE, true]]);
      await world.typing.set(alice.user, head.roomId, false);
      await world.typing.set(alice.user, head.roomId, false);
      await world.clock.pass(0);
      expect(sent()).toEqual([[ELSEWHERE, false]]);
    });

    test('is sent once in five seconds for a user who begins and stops all the time', async () => {
      const { alice, head } = await shared();
      for (let i = 0; i < 20; i += 1) {
        await world.typing.set(alice.user, head.roomId, true);
        await world.typing.set(alice.user, head.roomId, false);
        await world.clock.pass(500);
      }
      const sent = world.taken('m.typing').map(([, content]) => (content as JsonObject).typing);
      expect(sent.length).toBeLessThanOrEqual(6);
      expect(sent.at(-1)).toBe(false);
    });

    test('is sent for one user in five seconds in a room with many servers', async () => {
      const { alice, head } = await shared();
      for (let i = 0; i < 110; i += 1) await world.joining.join(head, await world.stranger(`@t:t${i}-${count}.test`));
      const others = [alice, await world.person(), await world.person()];
      for (const other of others) await world.joining.join(head, other);
      await world.clock.pass(0);
      for (const { user } of others) {
        await world.typing.set(user, head.roomId, true);
        await world.clock.pass(0);
      }
      const toElsewhere = () => world.taken('m.typing').filter(([server]) => server === ELSEWHERE);
      expect(toElsewhere()).toHaveLength(1);
      for (const { user } of others) await world.typing.set(user, head.roomId, false);
      await world.clock.pass(0);
      expect(toElsewhere()).toEqual([[ELSEWHERE, { room_id: head.roomId, user_id: alice.userId, typing: false }]]);
    });

    test('is not sent for a room without other servers', async () => {
      const alice = await world.person();
      const head = await world.room(alice);
      await world.typing.set(alice.user, head.roomId, true);
      await world.clock.pass(0);
      expect(world.taken('m.typing')).toEqual([]);
    });

    test('is shown for joined users of a server, and ends after a minute without the server', async () => {
      const { bob, head } = await shared();
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, bob));
      expect(typingIn(head)).toEqual([bob.user]);
      await world.clock.pass(61_000);
      expect(typingIn(head)).toEqual([]);
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, bob));
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, bob, false));
      expect(typingIn(head)).toEqual([]);
      expect(world.taken('m.typing')).toEqual([]);
    });

    test('is ignored for users of third servers, for users outside the room and from denied servers', async () => {
      const { alice, bob, head } = await shared();
      const outside = await world.stranger(`@carol${count}:${ELSEWHERE}`);
      await remoteTyping.handle('third.test', typingEdu(head, bob));
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, alice));
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, outside));
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, bob, 'yes'));
      await remoteTyping.handle(ELSEWHERE, { room_id: 1, user_id: [], typing: true });
      await world.setState(alice, head, 'm.room.server_acl', { allow: ['*'], deny: [ELSEWHERE] });
      await remoteTyping.handle(ELSEWHERE, typingEdu(head, bob));
      expect(typingIn(head)).toEqual([]);
    });
  });

  describe('receipts', () => {
    const receipt = (head: Head, by: Person, eventId: string, data: JsonObject = { ts: 1 }) => ({
      [head.roomId]: { 'm.read': { [by.userId]: { event_ids: [eventId], data } } },
    });

    test('are sent for own users with their thread, unless they are private', async () => {
      const { alice, head } = await shared();
      const first = await world.say(alice, head, 'first');
      const second = await world.say(alice, head, 'second');
      await world.receipts.send(alice, head.roomId, 'm.read', first.eventId);
      await world.receipts.send(alice, head.roomId, 'm.read', second.eventId, 'main');
      await world.receipts.send(alice, head.roomId, 'm.read.private', second.eventId);
      await world.receipts.send(alice, head.roomId, 'm.fully_read', second.eventId);
      await world.clock.pass(0);
      const ts = world.clock.now();
      expect(world.taken('m.receipt')).toEqual([
        [ELSEWHERE, receipt(head, alice, first.eventId, { ts })],
        [ELSEWHERE, receipt(head, alice, second.eventId, { ts, thread_id: 'main' })],
      ]);
    });

    test('are collected in a room with many servers', async () => {
      const { alice, head } = await shared();
      for (let i = 0; i < 10; i += 1) await world.joining.join(head, await world.stranger(`@x:s${i}-${count}.test`));
      const carol = await world.person();
      await world.joining.join(head, carol);
      const events = [];
      for (let i = 0; i < 5; i += 1) events.push(await world.say(alice, head, 'text'));
      for (const { eventId } of events) {
        await world.receipts.send(alice, head.roomId, 'm.read', eventId);
        await world.clock.pass(0);
      }
      const [first, , third, , fifth] = events.map(({ eventId }) => eventId);
      await world.receipts.send(carol, head.roomId, 'm.read', third ?? '');
      await world.receipts.send(carol, head.roomId, 'm.read', fifth ?? '', 'main');
      await world.clock.pass(0);
      await world.clock.pass(1_000);
      const sent = world.taken('m.receipt').filter(([server]) => server === ELSEWHERE);
      const read = sent.map(([, content]) => (content as Record<string, JsonObject>)[head.roomId]?.['m.read']);
      expect(read).toEqual([
        { [alice.userId]: { event_ids: [first], data: { ts: expect.any(Number) } } },
        {
          [alice.userId]: { event_ids: [fifth], data: { ts: expect.any(Number) } },
          [carol.userId]: { event_ids: [third], data: { ts: expect.any(Number) } },
        },
        { [carol.userId]: { event_ids: [fifth], data: { ts: expect.any(Number), thread_id: 'main' } } },
      ]);
    });

    test('are stored for joined users of the server only', async () => {
      const { alice, bob, head } = await shared();
      const { eventId } = await world.say(alice, head, 'text');
      await remoteReceipts.handle('third.test', receipt(head, bob, eventId));
      await remoteReceipts.handle(ELSEWHERE, receipt(head, alice, eventId));
      await remoteReceipts.handle(ELSEWHERE, {
        [head.roomId]: { 'm.read.private': { [bob.userId]: { event_ids: [eventId], data: { ts: 1 } } } },
      });
      for (const data of [{ thread_id: 1 }, { thread_id: 'x'.repeat(300) }])
        await remoteReceipts.handle(ELSEWHERE, receipt(head, bob, eventId, data));
      for (const odd of [{}, { '!x': 1 }, { [head.roomId]: { 'm.read': { [bob.userId]: { event_ids: [1] } } } }])
        await remoteReceipts.handle(ELSEWHERE, odd);
      expect(await receiptsOf(head)).toEqual([]);
      await remoteReceipts.handle(ELSEWHERE, receipt(head, bob, eventId));
      await remoteReceipts.handle(ELSEWHERE, receipt(head, bob, eventId, { ts: 1, thread_id: 'main' }));
      expect(await receiptsOf(head)).toEqual([
        [bob.userId, eventId, ''],
        [bob.userId, eventId, 'main'],
      ]);
      expect(world.taken('m.receipt')).toEqual([]);
    });

    test('are ignored from a server that the ACL denies', async () => {
      const { alice, bob, head } = await shared();
      await world.setState(alice, head, 'm.room.server_acl', { allow: ['*'], deny: ['elsewhere.*'] });
      const { eventId } = await world.say(alice, head, 'text');
      await remoteReceipts.handle(ELSEWHERE, receipt(head, bob, eventId));
      expect(await receiptsOf(head)).toEqual([]);
    });

    test('are stored when their event arrives after them', async () => {
      const { alice, bob, head } = await shared();
      const early = new EarlyReceipts(world);
      const event = await world.say(alice, head, 'text');
      early.keep(bob, head.num, { thread: '', eventId: event.eventId, ts: 1 });
      const { stream } = world;
      await stream.commit([], [{ kind: 'event', position: stream.next(), room: head.num, event: event.num }]);
      await world.clock.pass(0);
      expect(await receiptsOf(head)).toEqual([[bob.userId, event.eventId, '']]);
    });
  });

  describe('presence', () => {
    const update = (by: Person, more: JsonObject = {}) => ({
      user_id: by.userId,
      presence: 'online',
      last_active_ago: 1_000,
      currently_active: true,
      ...more,
    });

    test('is sent to the servers in the rooms of a user, once a second', async () => {
      const { alice } = await shared();
      const alone = await world.person();
      await world.presences.set(alone, 'online', 'nobody reads this');
      await world.presences.set(alice, 'online', 'first');
      await world.presences.set(alice, 'online', 'second');
      await world.clock.pass(3_000);
      const sent = world.taken('m.presence');
      expect(sent.map(([server]) => server)).toEqual(sent.map(() => ELSEWHERE));
      expect(sent.length).toBeLessThanOrEqual(2);
      expect(sent.at(-1)?.[1]).toMatchObject({
        push: [{ user_id: alice.userId, presence: 'online', status_msg: 'second', currently_active: true }],
      });
    });

    test('is sent to a server that joins a room, and repeated', async () => {
      const { alice, head } = await shared();
      await world.presences.set(alice, 'online', 'here');
      await world.clock.pass(2_000);
      world.taken('m.presence');
      await world.joining.join(head, await world.stranger(`@new${count}:new.test`));
      await world.clock.pass(2_000);
      const sent = world.taken('m.presence');
      expect(sent).toHaveLength(1);
      expect(sent[0]).toMatchObject(['new.test', { push: [{ user_id: alice.userId }] }]);
      for (let minute = 0; minute < 30; minute += 1) {
        await world.presences.synced(alice, 'online', 60_000);
        await world.clock.pass(60_000);
      }
      expect(new Set(world.taken('m.presence').map(([server]) => server))).toEqual(new Set([ELSEWHERE, 'new.test']));
    });

    test('is sent together for many users', async () => {
      const { head } = await shared();
      const people: Person[] = [];
      for (let i = 0; i < 30; i += 1) people.push(await world.person());
      for (const person of people) await world.joining.join(head, person);
      await world.clock.pass(2_000);
      world.taken('m.presence');
      for (const person of people) await world.presences.set(person, 'online');
      await world.clock.pass(3_000);
      const sent = world.taken('m.presence').map(([, content]) => (content as { push: JsonObject[] }).push);
      expect(sent.length).toBeLessThan(5);
      const ids = sent.flatMap((push) => push.map(({ user_id }) => user_id));
      expect(ids).toEqual(expect.arrayContaining(people.map(({ userId }) => userId)));
    });

    test('is shown until the server does not repeat it any more', async () => {
      const { bob } = await shared();
      await remotePresence.handle(ELSEWHERE, { push: [update(bob, { status_msg: 'away soon' })] });
      expect(await presenceOf(bob.user)).toMatchObject({ presence: 'online', status_msg: 'away soon' });
      await world.clock.pass(20 * 60_000);
      expect(await presenceOf(bob.user)).toMatchObject({ presence: 'online' });
      await world.clock.pass(20 * 60_000);
      expect(await presenceOf(bob.user)).toMatchObject({ presence: 'offline', status_msg: 'away soon' });
      expect(JSON.stringify(world.taken('m.presence'))).not.toContain(bob.userId);
    });

    test('is ignored for users of third servers, without a common room, and if it is malformed', async () => {
      const { alice, bob } = await shared();
      const outside = await world.stranger(`@carol${count}:${ELSEWHERE}`);
      const push = [
        1,
        update(alice),
        update(outside),
        update(bob, { presence: 'busy' }),
        { ...update(bob), user_id: 5 },
        update(bob, { user_id: `@bob:third.test` }),
      ];
      await remotePresence.handle(ELSEWHERE, { push });
      await remotePresence.handle(ELSEWHERE, { push: 'all' });
      await remotePresence.handle('third.test', { push: [update(bob)] });
      for (const { user } of [alice, bob, outside])
        expect(await presenceOf(user)).toMatchObject({ presence: 'offline' });
    });
  });
});
