import { expect, test } from 'vitest';
import { sleep, systemClock } from '../../src/platform/clock.ts';
import { collectGarbage } from '../../src/platform/monitoring/heap.ts';

test('unreferenced objects are collected', async () => {
  const held = { name: 'held' };
  const [lost, kept] = [new WeakRef({ name: 'lost' }), new WeakRef(held)];
  // A new WeakRef keeps its target alive until the end of the turn.
  await sleep(systemClock, 1);
  collectGarbage();
  expect(lost.deref()).toBeUndefined();
  expect(kept.deref()).toBe(held);
});
