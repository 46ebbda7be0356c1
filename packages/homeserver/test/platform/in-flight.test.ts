import { expect, test } from 'vitest';
import { InFlight } from '../../src/platform/concurrency/in-flight.ts';

test('concurrent requests share the work, and later ones start it again', async () => {
  const shared = new InFlight<string, number>();
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const work = async () => {
    count += 1;
    const own = count;
    await gate.promise;
    return own;
  };
  const both = [shared.run('a', work), shared.run('a', work)];
  const other = shared.run('b', work);
  gate.resolve();
  expect(await Promise.all([...both, other])).toEqual([1, 1, 2]);
  expect(await shared.run('a', work)).toBe(3);
});

test('failing work fails for all concurrent requests, and the next request starts it again', async () => {
  const shared = new InFlight<string, string>();
  const fail = () => Promise.reject(new Error('no'));
  const both = await Promise.allSettled([shared.run('a', fail), shared.run('a', fail)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await shared.run('a', () => Promise.resolve('yes'))).toBe('yes');
});
