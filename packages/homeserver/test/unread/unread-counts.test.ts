import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import { ThreadSubscriptions } from '../../src/thread-subscriptions/thread-subscriptions.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, reopenWorld, type World } from '../support/world.ts';

describe('unread counts', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const open = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.say(alice, head, 'before anybody came');
    await world.joining.join(head, bob);
    return { alice, bob, head };
  };
  const unread = async (person: Person, head: Head) => {
    const row = await world.userRooms.one(person.user, head.num);
    if (row === undefined) throw new Error('is not in the room');
    const { main, threads } = await world.unread.of({ num: person.user, id: person.userId }, head, row);
    const counts = ({ notifications, highlights }: typeof main) => [notifications, highlights];
    return { main: counts(main), threads: new Map([...threads].map(([root, each]) => [root, counts(each)])) };
  };
  const reply = (person: Person, head: Head, root: string, content: JsonObject = {}) =>
    world.say(person, head, {
      msgtype: 'm.text',
      body: 'reply',
      ...content,
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    });

  test('begin with the join and grow with each message', async () => {
    const { alice, bob, head } = await open();
    expect(await unread(bob, head)).toEqual({ main: [0, 0], threads: new Map() });
    await world.say(alice, head, 'one');
    expect((await unread(bob, head)).main).toEqual([1, 0]);
    await world.say(alice, head, `two for ${bob.userId.slice(1).split(':')[0]}`);
    await world.setState(alice, head, 'm.room.topic', { topic: 'silent' });
    expect((await unread(bob, head)).main).toEqual([2, 1]);
  });

  test('are reset by own messages, each thread separately, also after a restart', async () => {
    const { alice, bob, head } = await open();
    const root = await world.say(alice, head, 'root');
    await reply(alice, head, root.eventId);
    expect(await unread(bob, head)).toEqual({ main: [1, 0], threads: new Map([[root.eventId, [1, 0]]]) });
    const own = await world.say(bob, head, 'own');
    const onlyThread = { main: [0, 0], threads: new Map([[root.eventId, [1, 0]]]) };
    expect(await unread(bob, head)).toEqual(onlyThread);
    expect(await afterRestart(bob, head)).toEqual(onlyThread);
    await reply(bob, head, root.eventId);
    await world.say(alice, head, 'more');
    await world.setState(bob, head, 'm.room.member', { membership: 'join', displayname: 'Bob' }, bob.userId);
    expect(await unread(bob, head)).toEqual({ main: [1, 0], threads: new Map() });
    await world.redact(alice, head, own.eventId);
    expect(await unread(bob, head)).toEqual(await afterRestart(bob, head));
  });

  test('are reset by receipts, each thread separately', async () => {
    const { alice, bob, head } = await open();
    const root = await world.say(alice, head, 'root');
    await reply(alice, head, root.eventId);
    const last = await reply(alice, head, root.eventId, { 'm.mentions': { user_ids: [bob.userId] } });
    expect(await unread(bob, head)).toEqual({ main: [1, 0], threads: new Map([[root.eventId, [2, 1]]]) });
    await world.receipts.send(bob, head.roomId, 'm.read', root.eventId, 'main');
    expect(await unread(bob, head)).toEqual({ main: [0, 0], threads: new Map([[root.eventId, [2, 1]]]) });
    await world.receipts.send(bob, head.roomId, 'm.read.private', last.eventId, root.eventId);
    expect((await unread(bob, head)).threads.get(root.eventId) ?? [0, 0]).toEqual([0, 0]);
    await reply(alice, head, root.eventId);
    await world.say(alice, head, 'more');
    const later = await world.say(alice, head, 'and more');
    expect(await unread(bob, head)).toEqual({ main: [2, 0], threads: new Map([[root.eventId, [1, 0]]]) });
    await world.receipts.send(bob, head.roomId, 'm.read', later.eventId);
    const read = await unread(bob, head);
    expect([read.main, read.threads.get(root.eventId) ?? [0, 0]]).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  /** Returns the counts from a server that has just been started on the same data. */
  const afterRestart = async (person: Person, head: Head) => {
    const again = await reopenWorld(world);
    const row = await again.userRooms.one(person.user, head.num);
    const same = await again.heads.get(head.roomId);
    if (row === undefined) throw new Error('is not in the room');
    const { main, threads } = await again.unread.of({ num: person.user, id: person.userId }, same, row);
    return {
      main: [main.notifications, main.highlights],
      threads: new Map([...threads].map(([root, each]) => [root, [each.notifications, each.highlights]])),
    };
  };

  test.each(['m.read', 'm.read.private'])('are reset by %s, and are the same after a restart', async (type) => {
    const { alice, bob, head } = await open();
    const root = await world.say(alice, head, 'root');
    const inThread = await reply(alice, head, root.eventId, { 'm.mentions': { user_ids: [bob.userId] } });
    const name = bob.userId.slice(1).split(':')[0];
    const last = await world.say(alice, head, `loud ${name}`);
    const unreadAll = { main: [2, 1], threads: new Map([[root.eventId, [1, 1]]]) };
    expect(await unread(bob, head)).toEqual(unreadAll);
    expect(await afterRestart(bob, head)).toEqual(unreadAll);
    await world.receipts.send(bob, head.roomId, type, inThread.eventId, root.eventId);
    expect((await afterRestart(bob, head)).threads.get(root.eventId) ?? [0, 0]).toEqual([0, 0]);
    expect((await afterRestart(bob, head)).main).toEqual([2, 1]);
    await world.receipts.send(bob, head.roomId, type, root.eventId, 'main');
    expect((await unread(bob, head)).main).toEqual([1, 1]);
    expect((await afterRestart(bob, head)).main).toEqual([1, 1]);
    await world.receipts.send(bob, head.roomId, type, last.eventId);
    expect((await unread(bob, head)).main).toEqual([0, 0]);
    expect((await afterRestart(bob, head)).main).toEqual([0, 0]);
  });

  test('exclude threads without a subscription, and include subscribed threads in muted rooms (MSC4306)', async () => {
    const { alice, bob, head } = await open();
    const threads = new ThreadSubscriptions(world.database, world.stream, world.readable);
    const [followed, other] = [await world.say(alice, head, 'one'), await world.say(alice, head, 'two')];
    await world.pushRules.put(bob.user, 'room', head.roomId, { actions: ['dont_notify'] }, {});
    for (const name of ['subscribed_thread', 'unsubscribed_thread'])
      await world.pushRules.setEnabled(bob.user, 'postcontent', `.io.element.msc4306.rule.${name}`, true);
    await threads.subscribe(bob.user, { roomId: head.roomId, eventId: followed.eventId });
    await reply(alice, head, followed.eventId);
    await reply(alice, head, other.eventId);
    expect(await unread(bob, head)).toEqual({ main: [0, 0], threads: new Map([[followed.eventId, [1, 0]]]) });
    await reply(alice, head, other.eventId, { 'm.mentions': { user_ids: [bob.userId] } });
    expect((await unread(bob, head)).threads.get(other.eventId)).toEqual([1, 1]);
    await threads.unsubscribe(bob.user, { roomId: head.roomId, eventId: followed.eventId });
    await reply(alice, head, followed.eventId);
    expect((await unread(bob, head)).threads.get(followed.eventId)).toEqual([1, 0]);
  });

  test('are not reset by the read marker alone', async () => {
    const { alice, bob, head } = await open();
    const { eventId } = await world.say(alice, head, 'one');
    await world.receipts.send(bob, head.roomId, 'm.fully_read', eventId);
    expect((await unread(bob, head)).main).toEqual([1, 0]);
  });

  test('include events that relate to an event of a thread in the thread', async () => {
    const { alice, bob, head } = await open();
    const root = await world.say(alice, head, 'root');
    const inThread = await reply(alice, head, root.eventId);
    const relatesTo = (relType: string, eventId: string) => ({ rel_type: relType, event_id: eventId });
    const mention = { msgtype: 'm.text', body: 'x', 'm.mentions': { user_ids: [bob.userId] } };
    await world.say(alice, head, { ...mention, 'm.relates_to': relatesTo('m.reference', inThread.eventId) });
    await world.say(alice, head, { ...mention, 'm.relates_to': relatesTo('m.reference', root.eventId) });
    const counts = { main: [2, 1], threads: new Map([[root.eventId, [2, 1]]]) };
    expect(await unread(bob, head)).toEqual(counts);
    expect(await afterRestart(bob, head)).toEqual(counts);
    const last = await reply(alice, head, root.eventId);
    await world.receipts.send(bob, head.roomId, 'm.read', last.eventId, root.eventId);
    expect((await unread(bob, head)).threads.get(root.eventId) ?? [0, 0]).toEqual([0, 0]);
    expect((await afterRestart(bob, head)).main).toEqual([2, 1]);
  });

  test('exclude edits, unless they mention the user', async () => {
    const { alice, bob, head } = await open();
    const { eventId } = await world.say(alice, head, 'frist');
    const edit = (more: JsonObject) =>
      world.say(alice, head, {
        msgtype: 'm.text',
        body: '* first',
        'm.new_content': { msgtype: 'm.text', body: 'first' },
        'm.relates_to': { rel_type: 'm.replace', event_id: eventId },
        ...more,
      });
    await edit({});
    expect((await unread(bob, head)).main).toEqual([1, 0]);
    await edit({ 'm.mentions': { user_ids: [bob.userId] } });
    expect((await unread(bob, head)).main).toEqual([2, 1]);
    expect((await afterRestart(bob, head)).main).toEqual([2, 1]);
  });

  test('a redacted event in a thread does not count, also after a restart', async () => {
    const { alice, bob, head } = await open();
    const root = await world.say(alice, head, 'root');
    const gone = await reply(alice, head, root.eventId);
    await reply(alice, head, root.eventId);
    expect((await unread(bob, head)).threads.get(root.eventId)).toEqual([2, 0]);
    await world.redact(alice, head, gone.eventId);
    expect((await unread(bob, head)).threads.get(root.eventId)).toEqual([1, 0]);
    expect((await afterRestart(bob, head)).threads.get(root.eventId)).toEqual([1, 0]);
  });

  test('a redacted event does not count', async () => {
    const { alice, bob, head } = await open();
    const gone = await world.say(alice, head, 'gone');
    expect((await unread(bob, head)).main).toEqual([1, 0]);
    await world.redact(alice, head, gone.eventId);
    expect((await unread(bob, head)).main).toEqual([0, 0]);
  });
});
