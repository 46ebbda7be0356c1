import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Head } from '../../src/rooms/head.ts';
import type { SearchRequest } from '../../src/search/search.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, textsOf, type World, type WorldServices } from '../support/world.ts';

describe.each(engines)('searching, on $name', (engine) => {
  let world: World;
  let services: WorldServices;
  beforeAll(async () => {
    world = await openWorld(engine);
    services = world.openServices();
  });
  afterAll(() => world.end());

  const search = (person: Person, term: string, more: Partial<SearchRequest> = {}) =>
    services.messageSearch.search(world.readerOf(person), { term, orderBy: 'recent', ...more });
  const texts = async (...args: Parameters<typeof search>) =>
    textsOf((await search(...args)).results.map(({ shown }) => shown.event));
  const open = async (...messages: string[]) => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    for (const message of messages) await world.say(alice, head, message);
    return { alice, bob, head };
  };

  test('finds parts of words in any script, whatever their case', async () => {
    const { bob } = await open(
      'The martians are coming',
      '明天在北京见面',
      '今日は良い天気です',
      'it\'s 100% "sure" (ok)',
    );
    expect(await texts(bob, 'ARTIAN')).toEqual(['The martians are coming']);
    expect(await texts(bob, '北京')).toEqual(['明天在北京见面']);
    expect(await texts(bob, '天')).toEqual(['今日は良い天気です', '明天在北京见面']);
    expect(await texts(bob, '天気')).toEqual(['今日は良い天気です']);
    expect(await texts(bob, 'coming the')).toEqual(['The martians are coming']);
    expect(await texts(bob, `"sure" (`)).toEqual([`it's 100% "sure" (ok)`]);
    expect(await texts(bob, 'martians gone')).toEqual([]);
    expect(await texts(bob, `' OR 1=1 --`)).toEqual([]);
    expect(await texts(bob, 'NEAR(a b) *')).toEqual([]);
  });

  test('finds names and topics, and only the keys that are asked for', async () => {
    const { alice, head } = await open('about penguins');
    await world.setState(alice, head, 'm.room.topic', { topic: 'penguins only' });
    await world.setState(alice, head, 'm.room.name', { name: 'Penguins' });
    expect(await texts(alice, 'penguin')).toEqual(['m.room.name', 'm.room.topic', 'about penguins']);
    expect(await texts(alice, 'penguin', { keys: ['content.topic'] })).toEqual(['m.room.topic']);
  });

  test('shows nothing of other rooms, nor what the reader may not see', async () => {
    const { alice, bob, head } = await open('secret walrus');
    const carol = await world.person();
    expect(await texts(carol, 'walrus')).toEqual([]);
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'joined' });
    await world.say(alice, head, 'walrus before carol');
    await world.joining.join(head, carol);
    await world.say(alice, head, 'walrus after carol');
    expect(await texts(carol, 'walrus')).toEqual(['walrus after carol', 'secret walrus']);
    await world.joining.leave(head, carol);
    await world.say(alice, head, 'walrus without carol');
    expect(await texts(carol, 'walrus')).toEqual(['walrus after carol', 'secret walrus']);
    await world.joining.forget(head, carol);
    expect(await texts(carol, 'walrus')).toEqual([]);
    expect(await texts(bob, 'walrus')).toHaveLength(4);
  });

  test('messages in other rooms cost a search nothing', async () => {
    const { bob } = await open('an early puffin');
    const carol = await world.person();
    const elsewhere = await world.room(carol);
    for (let i = 0; i < 3; i += 1) await world.say(carol, elsewhere, `puffin ${i}`);
    await services.messageIndexer.catchUp();
    const list = vi.spyOn(world.events, 'list');
    expect(await texts(bob, 'puffin')).toEqual(['an early puffin']);
    expect(list.mock.calls.flat(2)).toHaveLength(1);
    list.mockRestore();
  });

  test('does not find what was redacted, before or after it was indexed', async () => {
    const { alice, bob, head } = await open();
    const early = await world.say(alice, head, 'zebra one');
    await world.redact(alice, head, early.eventId);
    const late = await world.say(alice, head, 'zebra two');
    expect(await texts(bob, 'zebra')).toEqual(['zebra two']);
    await world.redact(alice, head, late.eventId);
    expect(await texts(bob, 'zebra')).toEqual([]);
    const grams = [{ text: 'zeb', isPrefix: false }];
    expect(await services.messageIndex.find(grams, [head.num], { before: Number.MAX_SAFE_INTEGER, limit: 10 })).toEqual(
      [],
    );
  });

  test('goes on where it was after a restart', async () => {
    const { bob } = await open('giraffe');
    await services.messageIndexer.catchUp();
    const restarted = world.openServices();
    const { results } = await restarted.messageSearch.search(world.readerOf(bob), { term: 'giraffe' });
    expect(results).toHaveLength(1);
  });

  test('pages by time and by rank, without gaps and doubles', async () => {
    const { bob } = await open(...Array.from({ length: 25 }, (_, i) => `lemming number ${i} ${'x'.repeat(i)}`));
    for (const orderBy of ['recent', 'rank'] as const) {
      const seen: string[] = [];
      let nextBatch: string | undefined;
      do {
        const page = await search(bob, 'lemming', { orderBy, nextBatch, filter: { limit: 10 } });
        expect(page.count).toBe(25);
        seen.push(...page.results.map(({ shown }) => shown.event.eventId));
        nextBatch = page.nextBatch;
      } while (nextBatch !== undefined);
      expect(seen).toHaveLength(25);
      expect(new Set(seen).size).toBe(25);
    }
    expect(await refusal(search(bob, 'lemming', { nextBatch: 'nonsense' }))).toBe('M_INVALID_PARAM');
    expect(await refusal(search(bob, 'x'.repeat(2_000)))).toBe('M_INVALID_PARAM');
  });

  test('ranks what is closer first', async () => {
    const { bob } = await open('catalogue of everything that there is', 'cat', 'a cat among others');
    expect(await texts(bob, 'cat', { orderBy: 'rank' })).toEqual([
      'cat',
      'a cat among others',
      'catalogue of everything that there is',
    ]);
  });

  test('heeds the filter and who is ignored', async () => {
    const { alice, bob, head } = await open('otter here');
    const other = await world.room(alice);
    await world.joining.join(other, bob);
    await world.say(alice, other, 'otter there');
    await world.say(bob, head, 'otter of bob');
    const only = (filter: SearchRequest['filter']) => texts(bob, 'otter', { filter });
    expect(await only({ rooms: [other.roomId] })).toEqual(['otter there']);
    expect(await only({ not_rooms: [other.roomId], not_senders: [bob.userId] })).toEqual(['otter here']);
    expect(await only({ types: ['m.room.topic'] })).toEqual([]);
    expect(await only({ limit: 0 })).toEqual([]);
    const reader = world.readerOf(bob, new Set([alice.user]));
    const heard = await services.messageSearch.search(reader, { term: 'otter' });
    expect(textsOf(heard.results.map(({ shown }) => shown.event))).toEqual(['otter of bob']);
  });

  test('groups by room and sender, each with a way on', async () => {
    const { alice, bob, head } = await open();
    const other = await world.room(alice);
    await world.joining.join(other, bob);
    const say = async (room: Head, count: number) => {
      for (let i = 0; i < count; i++) await world.say(alice, room, `badger ${i}`);
    };
    await say(other, 3);
    await say(head, 4);
    for (const orderBy of ['recent', 'rank'] as const) {
      const request = { orderBy, groupBy: ['room_id', 'sender'] as const, filter: { limit: 5 } };
      const page = await search(bob, 'badger', request);
      const rooms = page.groups.get('room_id');
      const group = rooms?.get(other.roomId);
      expect([...(page.groups.get('sender')?.keys() ?? [])]).toEqual([alice.userId]);
      expect(page.results).toHaveLength(5);
      const rest = await search(bob, 'badger', { ...request, nextBatch: group?.nextBatch });
      const ids = rest.results.map(({ shown }) => shown.event.eventId);
      expect(rest.results.every(({ shown }) => shown.event.room === other.num)).toBe(true);
      expect(new Set([...ids, ...(group?.results ?? [])]).size).toBe(3);
    }
  });
});
