import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Head } from '../src/rooms/head.ts';
import { engines } from './storage/engines.ts';
import { openWorld, type Person, reopenWorld, textsOf, type World, type WorldServices } from './support/world.ts';

const MINUTE_MS = 60_000;

describe.each(engines)('messages with a maximum lifetime, on $name', (engine) => {
  let world: World;
  let services: WorldServices;
  beforeAll(async () => {
    world = await openWorld(engine, { defaultMs: undefined, minMs: 2 * MINUTE_MS, maxMs: undefined });
    services = world.openServices();
  });
  afterAll(async () => {
    expect(world.faults).toEqual([]);
    await world.end();
  });

  const messages = async (person: Person, head: Head, from = world) => {
    const access = await from.readers.access(head.roomId, person.user);
    const { shown } = await from.history.page(from.readerOf(person), access, { dir: 'b', limit: 100 });
    return textsOf(shown.map(({ event }) => event)).filter((text) => !text.startsWith('m.room.'));
  };
  const open = async (maxLifetime?: number | string) => {
    const alice = await world.person();
    const head = await world.room(alice);
    if (maxLifetime !== undefined) {
      await world.setState(alice, head, 'm.room.retention', { max_lifetime: maxLifetime });
    }
    return { alice, head };
  };
  const purge = () => services.purge.run();

  test('are hidden once they are too old, and then deleted', async () => {
    const { alice, head } = await open(3 * MINUTE_MS);
    const old = await world.say(alice, head, 'old secret');
    await services.messageIndexer.catchUp();
    await world.clock.pass(2 * MINUTE_MS);
    const young = await world.say(alice, head, 'young secret');
    expect(await messages(alice, head)).toEqual(['young secret', 'old secret']);
    await world.clock.pass(1.5 * MINUTE_MS);
    expect(await messages(alice, head)).toEqual(['young secret']);
    await purge();
    expect(await messages(alice, head)).toEqual(['young secret']);
    const again = await reopenWorld(world);
    const [gone, kept] = [await again.events.one(old.num), await again.events.one(young.num)];
    expect([gone?.contentText, gone?.seq]).toEqual(['{}', null]);
    expect(kept?.contentText).toContain('young secret');
    const grams = [{ text: 'old', isPrefix: false }];
    expect(await services.messageIndex.find(grams, [head.num], { before: Number.MAX_SAFE_INTEGER, limit: 10 })).toEqual(
      [],
    );
    const found = await services.messageSearch.search(world.readerOf(alice), { term: 'secret' });
    expect(textsOf(found.results.map(({ shown }) => shown.event))).toEqual(['young secret']);
  });

  test('do not change the room when they are deleted: state stays, and the next event follows the last one', async () => {
    const { alice, head } = await open(MINUTE_MS);
    await world.setState(alice, head, 'm.room.topic', { topic: 'stays' });
    const last = await world.say(alice, head, 'last');
    await world.clock.pass(3 * MINUTE_MS);
    await purge();
    expect((await world.events.one(last.num))?.contentText).toContain('last');
    expect(await messages(alice, head)).toEqual([]);
    expect((await head.state('m.room.topic'))?.content.topic).toBe('stays');
    await world.say(alice, head, 'next');
    expect(await messages(alice, head)).toEqual(['next']);
    await purge();
    expect((await world.events.one(last.num))?.contentText).toBe('{}');
  });

  test('are kept for at least the configured time, and forever without a valid policy', async () => {
    const [short, none, odd] = [await open(1_000), await open(), await open('soon')];
    for (const { alice, head } of [short, none, odd]) {
      await world.say(alice, head, 'first');
      await world.say(alice, head, 'second');
    }
    await world.clock.pass(MINUTE_MS);
    await purge();
    expect(await messages(short.alice, short.head)).toEqual(['second', 'first']);
    await world.clock.pass(20 * MINUTE_MS);
    await purge();
    expect(await messages(short.alice, short.head)).toEqual([]);
    for (const { alice, head } of [none, odd]) expect(await messages(alice, head)).toEqual(['second', 'first']);
  });
});
