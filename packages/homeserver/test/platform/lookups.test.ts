import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { complete, type Lookups } from '../../src/platform/lookups/lookups.ts';
import { loadedSingly, NOT_LOADED, queried, type Source } from '../../src/platform/lookups/source.ts';

/** A source of the squares of numbers that caches none but the given ones, and records what is loaded together. */
function squares(cached: ReadonlySet<number> = new Set()) {
  const loads: number[][] = [];
  const source: Source<number, number> = {
    peek: (key) => (cached.has(key) ? key * key : NOT_LOADED),
    load: async (keys) => {
      loads.push([...keys]);
      return (key) => key * key;
    },
  };
  return { source, loads };
}

describe('a computation', () => {
  test('runs once and loads nothing when every value is in memory', async () => {
    const { source, loads } = squares(new Set([1, 2, 3]));
    let passes = 0;
    const sum = await complete((lookups) => {
      passes += 1;
      return lookups.all(source, [1, 2, 3]).reduce((a, b) => a + b, 0);
    });
    expect([sum, passes, loads]).toEqual([14, 1, []]);
  });

  test('loads the missing values of all items together, each key once', async () => {
    const { source, loads } = squares(new Set([2]));
    const results = await complete((lookups) =>
      lookups.each([3, 2, 4, 3], (item) => lookups.get(source, item) + lookups.get(source, 5)),
    );
    expect(results).toEqual([34, 29, 41, 34]);
    expect(loads).toEqual([[3, 5, 4]]);
  });

  test('loads values that depend on each other one after the other', async () => {
    const { source, loads } = squares();
    expect(await complete((lookups) => lookups.get(source, lookups.get(source, lookups.get(source, 2))))).toBe(256);
    expect(loads).toEqual([[2], [4], [16]]);
  });

  test('loads the missing values of both parts together', async () => {
    const [first, second] = [squares(), squares()];
    const parts = (lookups: Lookups) =>
      lookups.both(
        () => lookups.get(first.source, 1),
        () => lookups.get(second.source, 2),
      );
    let passes = 0;
    const result = await complete((lookups) => {
      passes += 1;
      return parts(lookups);
    });
    expect([result, passes, first.loads, second.loads]).toEqual([[1, 4], 2, [[1]], [[2]]]);
  });

  test('treats keys with the same id as one key', async () => {
    const asked: string[][] = [];
    const source = queried(
      ({ name }: { name: string }) => name,
      async (keys) => {
        asked.push(keys.map(({ name }) => name));
        return ({ name }) => name.length;
      },
    );
    const lengths = await complete((lookups) => lookups.all(source, [{ name: 'ab' }, { name: 'ab' }, { name: 'c' }]));
    expect([lengths, asked]).toEqual([[2, 2, 1], [['ab', 'c']]]);
  });

  test('keeps an absent value as loaded', async () => {
    let loads = 0;
    const source = loadedSingly<number, string | undefined>(
      () => NOT_LOADED,
      () => {
        loads += 1;
        return undefined;
      },
    );
    expect(await complete((lookups) => [lookups.get(source, 1), lookups.get(source, 1)])).toEqual([
      undefined,
      undefined,
    ]);
    expect(loads).toBe(1);
  });

  test('fails with the error of a load or of the computation', async () => {
    const failing = loadedSingly<number, number>(
      () => NOT_LOADED,
      () => Promise.reject(new Error('the disk is gone')),
    );
    await expect(complete((lookups) => lookups.each([1], (key) => lookups.get(failing, key)))).rejects.toThrow('disk');
    await expect(
      complete((lookups) =>
        lookups.each([1], () => {
          throw new Error('wrong input');
        }),
      ),
    ).rejects.toThrow('wrong input');
  });

  test('returns the same result for every set of cached values', async () => {
    const key = fc.nat(20);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(key)), fc.array(key), async (lists, inMemory) => {
        const { source, loads } = squares(new Set(inMemory));
        const result = await complete((lookups) => lookups.each(lists, (list) => lookups.all(source, list)));
        expect(result).toEqual(lists.map((list) => list.map((item) => item * item)));
        // Everything that is missing is known after the first pass.
        expect(loads.length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
