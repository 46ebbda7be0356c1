import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFilter, type RoomEventFilter } from '../../src/filters/filter.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { MessagesQuery } from '../../src/timeline/history.ts';
import { streamToken } from '../../src/timeline/position.ts';
import { sqlite } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, textsOf, type World } from '../support/world.ts';

describe('pages of history', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const page = async (head: Head, person: Person, query: MessagesQuery, ignored?: ReadonlySet<number>) => {
    const access = await world.readers.access(head.roomId, person.user);
    return world.history.page(world.readerOf(person, ignored), access, query);
  };
  /** Returns all pages in one direction, to the end. */
  const pages = async (head: Head, person: Person, query: MessagesQuery) => {
    const found: string[][] = [];
    let { from } = query;
    do {
      const { shown, end } = await page(head, person, { ...query, from });
      found.push(textsOf(shown.map(({ event }) => event)));
      from = end;
    } while (from !== undefined);
    return found;
  };
  const filter = (room: RoomEventFilter) => parseFilter({ room: { timeline: room } }).room?.timeline;
  const filled = async (count: number) => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    const bodies = Array.from({ length: count }, (_, i) => `message ${i}`);
    for (const [i, body] of bodies.entries()) await world.say(i % 2 === 0 ? alice : bob, head, body);
    return { alice, bob, head, bodies };
  };

  test.each([1, 3, 10, 100])('pages of %i contain all events in both directions', async (limit) => {
    const { alice, head } = await filled(12);
    const back = await pages(head, alice, { dir: 'b', limit });
    const forth = await pages(head, alice, { dir: 'f', limit });
    expect(forth.flat()).toHaveLength(head.row.seq);
    expect(back.flat()).toEqual(forth.flat().reverse());
    expect(back.slice(0, -1).every(({ length }) => length === limit)).toBe(true);
  });

  test('pages of very long events end early, and all pages contain all events', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    for (let i = 0; i < 220; i += 1) await world.say(alice, head, { body: `${i} ${'x'.repeat(60_000)}` });
    for (const dir of ['b', 'f'] as const) {
      const found = await pages(head, alice, { dir, limit: 1_000 });
      expect(found.flat()).toHaveLength(head.row.seq);
      for (const texts of found) expect(texts.join().length).toBeLessThan(11 * 1024 * 1024);
    }
  });

  test('a stream token and a timeline token of the same event are equivalent', async () => {
    const { alice, head, bodies } = await filled(6);
    const position = world.stream.current;
    await world.say(alice, head, 'later');
    const after = await page(head, alice, { dir: 'f', from: streamToken(position) });
    expect(textsOf(after.shown.map(({ event }) => event))).toEqual(['later']);
    const before = await page(head, alice, { dir: 'b', from: streamToken(position), limit: 2 });
    expect(textsOf(before.shown.map(({ event }) => event))).toEqual([bodies[5], bodies[4]]);
    const between = await page(head, alice, { dir: 'f', from: before.end, to: streamToken(position) });
    expect(textsOf(between.shown.map(({ event }) => event))).toEqual([bodies[4], bodies[5]]);
    expect(between.end).toBeUndefined();
    expect(await refusal(page(head, alice, { dir: 'b', from: 'nonsense' }))).toBe('M_INVALID_PARAM');
  });

  test('hidden events leave no empty pages and no gaps', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'joined' });
    for (let i = 0; i < 30; i++) await world.say(alice, head, `hidden ${i}`);
    await world.joining.join(head, bob);
    await world.say(alice, head, 'seen');
    const found = (await pages(head, bob, { dir: 'b', limit: 3 })).flat();
    expect(found.slice(0, 2)).toEqual(['seen', 'm.room.member']);
    expect(found.some((text) => text.startsWith('hidden'))).toBe(false);
  });

  test.each([1, 4, 7])('pages of %i contain events with many others between them, each once', async (limit) => {
    const { alice, head } = await filled(500);
    const rare = Array.from({ length: 25 }, (_, i) => `rare ${i}`);
    for (const [i, body] of rare.entries()) {
      await world.say(alice, head, { msgtype: 'm.text', body, url: 'mxc://test.local/a' });
      for (let k = 0; k < (i * 7) % 40; k++) await world.say(alice, head, 'between');
    }
    const rareOnly = { limit, filter: filter({ contains_url: true }) };
    const back = await pages(head, alice, { ...rareOnly, dir: 'b' });
    const forth = await pages(head, alice, { ...rareOnly, dir: 'f' });
    expect(forth.flat()).toEqual(rare);
    expect(back.flat()).toEqual(rare.toReversed());
    for (const list of [back, forth]) expect(list.slice(0, -2).every(({ length }) => length === limit)).toBe(true);
  });

  test('filters exclude events', async () => {
    const { alice, bob, head } = await filled(8);
    const root = await world.say(alice, head, 'root');
    const relation = { rel_type: 'm.thread', event_id: root.eventId };
    await world.say(bob, head, { msgtype: 'm.text', body: 'reply', 'm.relates_to': relation });
    await world.say(bob, head, { msgtype: 'm.image', body: 'picture', url: 'mxc://test.local/a' });
    const find = async (room: RoomEventFilter) =>
      (await pages(head, alice, { dir: 'b', limit: 4, filter: filter(room) })).flat();
    expect(await find({ senders: [bob.userId], types: ['m.room.message'] })).toEqual([
      'picture',
      'reply',
      'message 7',
      'message 5',
      'message 3',
      'message 1',
    ]);
    expect(await find({ types: ['m.room.n*', 'm.room.create'] })).toEqual(['m.room.create']);
    expect(await find({ contains_url: true })).toEqual(['picture']);
    expect(await find({ related_by_rel_types: ['m.thread'] })).toEqual(['root']);
    expect(await find({ related_by_rel_types: ['m.thread'], related_by_senders: [alice.userId] })).toEqual([]);
    expect(await find({ not_rooms: [head.roomId] })).toEqual([]);
  });

  test('messages of ignored users are left out, their state events are not', async () => {
    const { alice, bob, head } = await filled(4);
    const { shown } = await page(head, alice, { dir: 'f', limit: 50 }, new Set([bob.user]));
    const texts = textsOf(shown.map(({ event }) => event));
    expect(texts.filter((text) => text.startsWith('message'))).toEqual(['message 0', 'message 2']);
    expect(shown.some(({ event }) => event.senderNum === bob.user)).toBe(true);
  });

  test('the tokens of a context continue before and after it', async () => {
    const { alice, bob, head, bodies } = await filled(9);
    const target = (await world.timelines.latest([head.num], 5)).get(head.num)?.[0] ?? 0;
    const event = await world.events.one(target);
    const shown = await world.readable.find(alice.user, event?.eventId ?? '', head.roomId);
    const access = await world.readers.access(head.roomId, alice.user);
    const context = await world.contexts.around(world.readerOf(alice), access, shown.event.eventId, {
      limit: 4,
      filter: undefined,
    });
    expect(textsOf(context.before.map((each) => each.event))).toEqual([bodies[3], bodies[2]]);
    expect(textsOf(context.after.map((each) => each.event))).toEqual([bodies[5], bodies[6]]);
    expect((await world.events.list(context.state)).map(({ type }) => type)).toContain('m.room.create');
    const older = await page(head, alice, { dir: 'b', from: context.start, limit: 1 });
    const newer = await page(head, alice, { dir: 'f', from: context.end, limit: 1 });
    expect(textsOf([...older.shown, ...newer.shown].map((each) => each.event))).toEqual([bodies[1], bodies[7]]);
    const lazy = { limit: 0, filter: filter({ lazy_load_members: true }) };
    const nums = (await world.contexts.around(world.readerOf(alice), access, shown.event.eventId, lazy)).state;
    const state = await world.events.list(nums);
    const members = state.filter(({ type }) => type === 'm.room.member').map(({ stateKey }) => stateKey);
    expect(members).toEqual([event?.sender]);
    expect(await refusal(world.readable.find(bob.user, '$nothing', head.roomId))).toBe('M_NOT_FOUND');
  });
});
