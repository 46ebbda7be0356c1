import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Background } from '../../src/platform/concurrency/background.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import { Unavailable } from '../../src/platform/unavailable.ts';
import { sql, write } from '../../src/storage/engine/database.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { Follower } from '../../src/timeline/follower.ts';
import { engines } from '../storage/engines.ts';
import { openWorld, textsOf, type World } from '../support/world.ts';

/** A write that every engine refuses, because a device belongs to a user. */
const wrong = write(sql('INSERT INTO devices (num) VALUES (1)'));

describe.each(engines)('a follower of the stream, on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  let count = 0;
  const follow = (take: (texts: string[]) => void, rejected?: (text: string) => boolean) => {
    count += 1;
    const seen: string[] = [];
    const asides: unknown[] = [];
    const metrics = {
      ...noMetrics,
      counter: () => ({ add: (n: number, labels: unknown) => asides.push([n, labels]) }),
    };
    const background = new Background(world.clock, { error: () => undefined }, metrics);
    const follower = new Follower({ ...world, background }, `test${count}`, async (events: readonly StoredEvent[]) => {
      const texts = textsOf(events).filter((text) => text.startsWith('message'));
      take(texts);
      if (rejected !== undefined && texts.some(rejected)) return [wrong];
      seen.push(...texts.filter((text) => !seen.includes(text)));
      return [];
    });
    return { follower, seen, asides };
  };
  const messages = async () => {
    const alice = await world.person();
    const head = await world.room(alice);
    for (let i = 1; i <= 5; i += 1) await world.say(alice, head, `message ${i} of ${head.num}`);
    return (i: number) => `message ${i} of ${head.num}`;
  };

  test.each(['throws', 'is refused by the database'])('skips an event that %s, and counts it', async (how) => {
    const message = await messages();
    const isBad = (text: string) => text === message(3);
    const { follower, seen, asides } = follow(
      (texts) => {
        if (how === 'throws' && texts.some(isBad)) throw new TypeError('bad row');
      },
      how === 'throws' ? undefined : isBad,
    );
    await follower.catchUp();
    expect(seen.filter((text) => text.endsWith(message(1).slice(11)))).toEqual([1, 2, 4, 5].map(message));
    expect(asides).toEqual([[1, { job: `test${count}` }]]);
    await follower.catchUp();
    expect(asides).toHaveLength(1);
  });

  test('tries again later when the database is unavailable', async () => {
    const message = await messages();
    let isDown = true;
    const { follower, seen, asides } = follow(() => {
      if (isDown) throw new Unavailable('down');
    });
    await expect(follower.catchUp()).rejects.toBeInstanceOf(Unavailable);
    expect([seen, asides]).toEqual([[], []]);
    isDown = false;
    await follower.catchUp();
    expect(seen).toContain(message(3));
    expect(asides).toEqual([]);
  });
});
