import { expect, test } from 'vitest';
import { KeyedSlots } from '../../src/platform/concurrency/keyed-slots.ts';
import { NoSlot } from '../../src/platform/concurrency/slots.ts';
import { cachedResolve, type Resolve } from '../../src/platform/outbound/dns.ts';
import { ManualClock } from '../support/manual-clock.ts';

const ADDRESS = { address: '192.0.2.1', family: 4 };

test('addresses are looked up once a minute, together for all requests at the same time', async () => {
  const clock = new ManualClock();
  let lookups = 0;
  const resolve = cachedResolve(() => {
    lookups += 1;
    return Promise.resolve([ADDRESS]);
  }, clock);
  await Promise.all([resolve('a.test'), resolve('a.test')]);
  clock.skip(59_999);
  expect(await resolve('a.test')).toEqual([ADDRESS]);
  expect(lookups).toBe(1);
  clock.skip(1);
  await resolve('a.test');
  await resolve('b.test');
  expect(lookups).toBe(3);
});

test('a failed lookup is not kept', async () => {
  let works = false;
  const resolve = cachedResolve(
    () => (works ? Promise.resolve([ADDRESS]) : Promise.reject(new Error('no'))),
    new ManualClock(),
  );
  await expect(resolve('a.test')).rejects.toThrow('no');
  works = true;
  expect(await resolve('a.test')).toEqual([ADDRESS]);
});

test('at most two lookups run at the same time, because each occupies a thread', async () => {
  let running = 0;
  let most = 0;
  const slow: Resolve = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return [ADDRESS];
  };
  const resolve = cachedResolve(slow, new ManualClock());
  await Promise.all(Array.from({ length: 10 }, (_, i) => resolve(`${i}.test`)));
  expect(most).toBe(2);
});

test('slots are limited for each key, and free again after a failure', async () => {
  const slots = new KeyedSlots<string>({ running: 1, waiting: 1 });
  const gate = Promise.withResolvers<void>();
  const first = slots.run('a', () => gate.promise);
  const second = slots.run('a', () => Promise.reject(new Error('failed')));
  await expect(slots.run('a', () => Promise.resolve())).rejects.toBeInstanceOf(NoSlot);
  expect(await slots.run('b', () => Promise.resolve('other key'))).toBe('other key');
  gate.resolve();
  await first;
  await expect(second).rejects.toThrow('failed');
  expect(await slots.run('a', () => Promise.resolve('free'))).toBe('free');
});
