import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { asObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import type { RelationsQuery } from '../../src/timeline/relations.ts';
import type { ThreadsQuery } from '../../src/timeline/threads.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, textsOf, type World } from '../support/world.ts';

describe('events that relate to others', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const pair = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    return { alice, bob, head, root: await world.say(alice, head, 'root') };
  };
  const relate = (person: Person, head: Head, parent: StoredEvent, relType: string, content: JsonObject | string) => {
    const own = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content;
    const relation = { rel_type: relType, event_id: parent.eventId };
    return world.say(person, head, { ...own, 'm.relates_to': relation });
  };
  const edit = (person: Person, head: Head, parent: StoredEvent, body: string) =>
    relate(person, head, parent, 'm.replace', {
      msgtype: 'm.text',
      body,
      'm.new_content': { msgtype: 'm.text', body },
    });
  const bundleOf = async (person: Person, event: StoredEvent, ignored?: ReadonlySet<number>) => {
    const format = { roomId: true, legacy: false };
    const now = await world.events.list([event.num]);
    const shown = now.map((each) => ({ event: each }));
    const [text = '{}'] = await world.renderer.render(world.readerOf(person, ignored), shown, format);
    return asObject(asObject(JSON.parse(text).unsigned)?.['m.relations']);
  };
  const find = async (person: Person, head: Head, parent: StoredEvent, query: RelationsQuery = {}) => {
    const { roomId } = head;
    const target = { roomId, eventId: parent.eventId };
    const { shown, nextBatch, depth } = await world.related.page(world.readerOf(person), target, query);
    return { texts: textsOf(shown.map(({ event }) => event)), nextBatch, depth };
  };
  const threads = async (person: Person, head: Head, query: ThreadsQuery = {}) => {
    const { shown, nextBatch } = await world.threads.page(world.readerOf(person), head.num, query);
    return { texts: textsOf(shown.map(({ event }) => event)), nextBatch };
  };

  test('the latest valid edit is bundled until it is redacted', async () => {
    const { alice, bob, head, root } = await pair();
    expect(await bundleOf(bob, root)).toBeUndefined();
    const first = await edit(alice, head, root, 'first');
    await edit(bob, head, root, 'not his to edit');
    await relate(alice, head, root, 'm.replace', 'nothing new');
    expect(await bundleOf(bob, root)).toMatchObject({ 'm.replace': { event_id: first.eventId } });
    await world.clock.pass(1);
    const second = await edit(alice, head, root, 'second');
    expect(await bundleOf(bob, root)).toMatchObject({ 'm.replace': { content: { body: 'second' } } });
    await world.redact(alice, head, second.eventId);
    expect(await bundleOf(bob, root)).toMatchObject({ 'm.replace': { event_id: first.eventId } });
    await world.redact(alice, head, root.eventId);
    expect(await bundleOf(bob, root)).toBeUndefined();
  });

  test('a thread is bundled with its latest reply, the count, and whether the user participates', async () => {
    const { alice, bob, head, root } = await pair();
    const carol = await world.person();
    await world.joining.join(head, carol);
    await relate(bob, head, root, 'm.thread', 'one');
    const two = await relate(bob, head, root, 'm.thread', 'two');
    await edit(bob, head, two, 'two, edited');
    const summary = async (person: Person, ignored?: ReadonlySet<number>) =>
      asObject((await bundleOf(person, root, ignored))?.['m.thread']);
    expect(await summary(carol)).toMatchObject({
      count: 2,
      current_user_participated: false,
      latest_event: { event_id: two.eventId, unsigned: { 'm.relations': { 'm.replace': { sender: bob.userId } } } },
    });
    expect((await summary(alice))?.current_user_participated).toBe(true);
    expect((await summary(bob))?.current_user_participated).toBe(true);
    expect(await summary(carol, new Set([bob.user]))).toBeUndefined();
    await world.redact(bob, head, two.eventId);
    expect(await summary(carol)).toMatchObject({ count: 1, latest_event: { content: { body: 'one' } } });
  });

  test('references are bundled by their ids', async () => {
    const { alice, bob, head, root } = await pair();
    const one = await relate(bob, head, root, 'm.reference', 'one');
    const two = await relate(alice, head, root, 'm.reference', 'two');
    const chunk = [{ event_id: one.eventId }, { event_id: two.eventId }];
    expect(await bundleOf(alice, root)).toEqual({ 'm.reference': { chunk } });
  });

  test('pages of related events are filtered by relation type and event type, in both directions', async () => {
    const { alice, bob, head, root } = await pair();
    for (const body of ['one', 'two', 'three', 'four']) await relate(bob, head, root, 'm.thread', body);
    await relate(alice, head, root, 'm.reference', 'reference');
    expect((await find(alice, head, root)).texts).toEqual(['reference', 'four', 'three', 'two', 'one']);
    expect((await find(alice, head, root, { relType: 'm.reference' })).texts).toEqual(['reference']);
    expect((await find(alice, head, root, { relType: 'm.thread', eventType: 'm.sticker' })).texts).toEqual([]);
    expect((await find(alice, head, root, { relType: 'never.seen' })).texts).toEqual([]);
    for (const dir of ['b', 'f'] as const) {
      const found: string[] = [];
      let from: string | undefined;
      do {
        const { texts, nextBatch } = await find(alice, head, root, { dir, limit: 2, from });
        found.push(...texts);
        from = nextBatch;
      } while (from !== undefined);
      const forth = ['one', 'two', 'three', 'four', 'reference'];
      expect(found).toEqual(dir === 'f' ? forth : forth.toReversed());
    }
    expect(await refusal(find(await world.person(), head, root))).toBe('M_NOT_FOUND');
  });

  test('recurse includes events that relate to related events', async () => {
    const { alice, bob, head, root } = await pair();
    const reply = await relate(bob, head, root, 'm.thread', 'reply');
    await edit(bob, head, reply, 'edited');
    expect((await find(alice, head, root)).texts).toEqual(['reply']);
    const recursive = await find(alice, head, root, { recurse: true });
    expect(recursive.texts).toEqual(['edited', 'reply']);
    expect(recursive.depth).toBe(3);
  });

  test('threads are sorted by their latest reply, and include all or those with the user', async () => {
    const { alice, bob, head, root } = await pair();
    const [second, third] = [await world.say(bob, head, 'second'), await world.say(bob, head, 'third')];
    for (const [parent, person] of [
      [root, bob],
      [second, bob],
      [third, alice],
      [root, bob],
    ] as const)
      await relate(person, head, parent, 'm.thread', 'reply');
    expect((await threads(bob, head)).texts).toEqual(['root', 'third', 'second']);
    expect((await threads(alice, head, { include: 'participated' })).texts).toEqual(['root', 'third']);
    const page = await threads(bob, head, { limit: 2 });
    expect(page.texts).toEqual(['root', 'third']);
    expect((await threads(bob, head, { limit: 2, from: page.nextBatch })).texts).toEqual(['second']);
  });

  test('a repeated reaction and a thread within a thread are refused', async () => {
    const { alice, head, root } = await pair();
    const react = (key: string) => {
      const relation = { rel_type: 'm.annotation', event_id: root.eventId, key };
      return world.say(alice, head, { 'm.relates_to': relation }, 'm.reaction');
    };
    const first = await react('👍');
    await react('👎');
    expect(await refusal(react('👍'))).toBe('M_DUPLICATE_ANNOTATION');
    await world.redact(alice, head, first.eventId);
    expect(await refusal(react('👍'))).toBe('no refusal');
    const reply = await relate(alice, head, root, 'm.thread', 'reply');
    expect(await refusal(relate(alice, head, reply, 'm.thread', 'inner'))).toBe('M_UNKNOWN');
  });
});
