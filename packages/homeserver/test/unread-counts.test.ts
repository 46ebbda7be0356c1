import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../src/rooms/head.ts';
import { sqlite } from './storage/engines.ts';
import { openWorld, type Person, type World } from './support/world.ts';

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

  test('begin with the join, leave out what one has sent, and grow', async () => {
    const { alice, bob, head } = await open();
    expect(await unread(bob, head)).toEqual({ main: [0, 0], threads: new Map() });
    await world.say(alice, head, 'one');
    await world.say(bob, head, 'own');
    expect((await unread(bob, head)).main).toEqual([1, 0]);
    await world.say(alice, head, `two for ${bob.userId.slice(1).split(':')[0]}`);
    await world.setState(alice, head, 'm.room.topic', { topic: 'silent' });
    expect((await unread(bob, head)).main).toEqual([2, 1]);
  });

  test('end with receipts, each thread by itself', async () => {
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

  test('what was redacted does not count', async () => {
    const { alice, bob, head } = await open();
    const gone = await world.say(alice, head, 'gone');
    expect((await unread(bob, head)).main).toEqual([1, 0]);
    await world.redact(alice, head, gone.eventId);
    expect((await unread(bob, head)).main).toEqual([0, 0]);
  });
});
