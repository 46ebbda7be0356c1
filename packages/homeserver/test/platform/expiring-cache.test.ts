import { expect, test } from 'vitest';
import { ExpiringCache } from '../../src/platform/caches/expiring-cache.ts';
import { withinTime } from '../../src/platform/concurrency/within-time.ts';
import { ManualClock } from '../support/manual-clock.ts';

test('an expiring cache loads a value once until it expires, and passes the expired value', async () => {
  const clock = new ManualClock();
  const cache = new ExpiringCache<number>(clock, 10);
  const loads: (number | undefined)[] = [];
  const next = (keptMs: number) => async (expired: number | undefined) => {
    loads.push(expired);
    return { value: (expired ?? 0) + 1, keptMs };
  };
  expect(await Promise.all([cache.get('a', next(100)), cache.get('a', next(100))])).toEqual([1, 1]);
  await clock.pass(99);
  expect(await cache.get('a', next(100))).toBe(1);
  await clock.pass(1);
  await expect(cache.get('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await cache.get('a', next(50))).toBe(2);
  expect(await cache.get('b', next(50))).toBe(1);
  expect(loads).toEqual([undefined, 1, undefined]);
});

test('a task with a time limit is aborted and answered with the error at the end of its time', async () => {
  const clock = new ManualClock();
  const late = () => new Error('late');
  expect(await withinTime(clock, 100, async (signal) => signal.aborted, late)).toBe(false);
  let given: AbortSignal | undefined;
  const endless = (signal: AbortSignal) => {
    given = signal;
    return new Promise<never>(() => undefined);
  };
  const result = withinTime(clock, 100, endless, late).catch((error: unknown) => error);
  await clock.pass(100);
  expect(await result).toEqual(new Error('late'));
  expect(given?.aborted).toBe(true);
});
