import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../../src/account-data/user-data.ts';
import { nextTurn } from '../../src/platform/concurrency/in-slices.ts';
import { collectGarbage } from '../../src/platform/monitoring/heap.ts';
import { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';
import { sqlite } from './engines.ts';

const MIB = 1024 ** 2;

function copyOf(event: StoredEvent | undefined): StoredEvent {
  if (event === undefined) throw new Error('there is no event');
  return new StoredEvent(event, event.contentText, event.redactedBy);
}

describe('caches have a bound of bytes', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const heapUsed = async () => {
    await nextTurn();
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };

  test('events of many small objects', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    const before = await heapUsed();
    const content = { msgtype: 'm.text', body: 'x', list: Array.from({ length: 19_000 }, () => ({})) };
    const events = [];
    for (let i = 0; i < 600; i += 1) events.push((await world.say(alice, head, { ...content, i })).num);
    for (const num of events) expect((await world.events.one(num))?.content.body).toBe('x');
    expect((await heapUsed()) - before).toBeLessThan(150 * MIB);
  });

  test('contents that are parsed within one turn', async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    const list = Array.from({ length: 19_000 }, () => ({}));
    const nums: number[] = [];
    for (let i = 0; i < 100; i += 1)
      nums.push((await world.say(alice, head, { msgtype: 'm.text', body: 'x', list, i })).num);
    const events = (await Promise.all(nums.map((num) => world.events.one(num)))).filter((event) => event !== undefined);
    const before = await heapUsed();
    // Copies, none of which has been parsed; and no turn ends before the heap is measured.
    const copies = Array.from({ length: 800 }, (_, i) => copyOf(events[i % events.length]));
    for (const copy of copies) expect(copy.content.body).toBe('x');
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * MIB);
    expect(copies).toHaveLength(800);
  });

  test('account data, of which a user may have so much', async () => {
    const before = await heapUsed();
    const content = JSON.stringify({ text: 'x'.repeat(60_000) });
    for (let user = 0; user < 4; user += 1) {
      const { user: num } = await world.person();
      const outcomes = new Set<string>();
      for (let i = 0; i < 400; i += 1)
        outcomes.add(await refusal(world.accountData.set(num, GLOBAL, `type${i}`, content)));
      expect(outcomes).toEqual(new Set(['no refusal', 'M_USER_LIMIT_EXCEEDED']));
      // Stored data can still be replaced by data of the same size.
      expect(await refusal(world.accountData.set(num, GLOBAL, 'type1', content))).toBe('no refusal');
    }
    expect((await heapUsed()) - before).toBeLessThan(120 * MIB);
  });
});
