import { expect, test } from 'vitest';
import { SharedWork } from '../../src/platform/concurrency/shared-work.ts';

test('those who ask while the work is being done share it, and those who ask later have it done again', async () => {
  const shared = new SharedWork<string, number>();
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

test('work that fails does so for all who asked, and is tried again by the next', async () => {
  const shared = new SharedWork<string, string>();
  const fail = () => Promise.reject(new Error('no'));
  const both = await Promise.allSettled([shared.run('a', fail), shared.run('a', fail)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await shared.run('a', () => Promise.resolve('yes'))).toBe('yes');
});
