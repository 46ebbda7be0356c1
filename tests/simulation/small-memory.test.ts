import { expect, test, vi } from 'vitest';
import { LruMap } from '../../packages/homeserver/src/platform/caches/lru.ts';
import { ROOMS_AT_ONCE } from '../../packages/homeserver/src/sync/render/room-batches.ts';
import { simulate } from './simulate.ts';

/** The size of all caches: enough for concurrent decisions and pending commits, and little more. */
const { KEPT_MAX } = vi.hoisted(() => ({ KEPT_MAX: 150 }));

vi.mock(import('../../packages/homeserver/src/platform/caches/lru.ts'), async (importOriginal) => {
  const original = await importOriginal();
  class SmallMap<K, V> extends original.LruMap<K, V> {
    constructor(max: number) {
      super(Math.min(max, KEPT_MAX));
    }
  }
  return { ...original, LruMap: SmallMap };
});

// Answers about three rooms take two batches.
vi.mock('../../packages/homeserver/src/sync/render/room-batches.ts', async (importOriginal) => ({
  ...(await importOriginal<object>()),
  ROOMS_AT_ONCE: 2,
}));

test.each([11, 12])('answers do not depend on the content of caches, seed %i', { timeout: 120_000 }, async (seed) => {
  expect(new LruMap(1_000).max).toBe(KEPT_MAX);
  expect(ROOMS_AT_ONCE).toBe(2);
  await simulate({ seed, steps: 150 });
});
