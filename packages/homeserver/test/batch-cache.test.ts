import { expect, test } from 'vitest';
import { BatchCache } from '../src/platform/caches/batch-cache.ts';

const LIMIT = { bytesMax: 1_000, bytesOf: () => 1 };

interface Box {
  value: number;
}

/** Opens a cache of numbers. The test changes the numbers and decides when queries end. */
function open(max = 10) {
  const stored = new Map<number, number>();
  const queries: (readonly number[])[] = [];
  let gate: Promise<void> = Promise.resolve();
  const cache = new BatchCache<Box>(max, LIMIT, async (keys) => {
    queries.push(keys);
    const found = new Map(keys.map((key) => [key, { value: stored.get(key) ?? 0 }]));
    await gate;
    return found;
  });
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    return resolve;
  };
  const values = async (...keys: number[]) => [...(await cache.many(keys)).values()].map(({ value }) => value);
  return { cache, stored, queries, hold, values };
}

test('missing values are loaded with one query, and cached', async () => {
  const { cache, stored, queries, values } = open();
  stored.set(1, 10).set(2, 20);
  expect(await values(1)).toEqual([10]);
  expect(await values(1, 2, 3)).toEqual([10, 20, 0]);
  expect(queries).toEqual([[1], [2, 3]]);
  expect(await cache.one(2)).toEqual({ value: 20 });
  expect(cache.peek(4)).toBeUndefined();
});

test('a change while a value is loaded is not lost', async () => {
  const { cache, stored, queries, hold, values } = open();
  const release = hold();
  const loading = values(1, 2);
  stored.set(1, 11);
  cache.update(1, (box) => {
    box.value = 11;
  });
  release();
  expect(new Set(await loading)).toEqual(new Set([0, 11]));
  expect(queries).toEqual([[1, 2], [1]]);
});

test('a value that is deleted while it is loaded is loaded again', async () => {
  const { cache, stored, hold, values } = open();
  const release = hold();
  const loading = values(1);
  stored.set(1, 5);
  cache.delete(1);
  release();
  expect(await loading).toEqual([5]);
  expect(await values(1)).toEqual([5]);
});

test('concurrent loads of a key return the same object', async () => {
  const { cache, hold } = open();
  const release = hold();
  const both = [cache.many([1]), cache.many([1])];
  release();
  const [first, second] = await Promise.all(both);
  expect(first?.get(1)).toBe(second?.get(1));
});

test('a failed query leaves nothing in the cache', async () => {
  let fails = true;
  const cache = new BatchCache<Box>(10, LIMIT, async (keys) => {
    if (fails) throw new Error('no database');
    return new Map(keys.map((key) => [key, { value: key }]));
  });
  await expect(cache.many([1])).rejects.toThrow('no database');
  fails = false;
  expect(await cache.one(1)).toEqual({ value: 1 });
});
