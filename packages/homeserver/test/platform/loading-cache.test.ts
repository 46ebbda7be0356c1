import { expect, test } from 'vitest';
import { LoadingCache } from '../../src/platform/caches/loading-cache.ts';

interface Box {
  value: number;
}

/** Opens a cache of numbers. The test decides when its queries end. */
function open() {
  const queries: (readonly number[])[] = [];
  const gates: (() => void)[] = [];
  const gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const load = async (keys: readonly number[]) => {
    queries.push(keys);
    const found = new Map(keys.map((key) => [key, { value: 10 * key }]));
    await gate();
    return found;
  };
  const cache = new LoadingCache<number, Box>(
    10,
    { bytesMax: 1_000, bytesOf: () => 1 },
    async (key) => (await load([key])).get(key) ?? { value: 0 },
  );
  const release = () => {
    for (const open of gates.splice(0)) open();
  };
  return { cache, queries, release, many: (...keys: number[]) => cache.many(keys, load) };
}

/** Returns the values in the order of the keys, because those that were being loaded come last. */
const valuesOf = (found: ReadonlyMap<number, Box>) => {
  const pairs = Array.from(found, ([key, { value }]): [number, number] => [key, value]);
  return pairs.toSorted(([a], [b]) => a - b);
};

test('missing values are loaded with one query, which concurrent requests for some of them share', async () => {
  const { cache, queries, release, many } = open();
  const first = many(1, 2, 2);
  const second = many(2, 3);
  const one = cache.get(1);
  release();
  expect(valuesOf(await first)).toEqual([
    [1, 10],
    [2, 20],
  ]);
  expect(valuesOf(await second)).toEqual([
    [2, 20],
    [3, 30],
  ]);
  expect(await one).toBe(cache.peek(1));
  expect((await many(1, 2, 3)).get(3)).toBe(cache.get(3));
  expect(queries).toEqual([[1, 2], [3]]);
});

test('a change while many values are loaded is not lost', async () => {
  const { cache, release, many } = open();
  const found = many(1, 2);
  cache.update(2, (box) => {
    box.value = 7;
  });
  release();
  expect(valuesOf(await found)).toEqual([
    [1, 10],
    [2, 7],
  ]);
});

test('a failed load is repeated', async () => {
  const { cache, release, many } = open();
  const failing = cache.many([1, 2], () => Promise.reject(new Error('no disk')));
  await expect(failing).rejects.toThrow('no disk');
  const found = many(1);
  release();
  expect(valuesOf(await found)).toEqual([[1, 10]]);
  await expect(cache.many([5], async () => new Map())).rejects.toThrow('nothing was loaded for 5');
});
