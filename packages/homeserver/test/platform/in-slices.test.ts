import { expect, test } from 'vitest';
import { eachSlice, inSlices, slicesOf } from '../../src/platform/concurrency/in-slices.ts';

const numbers = Array.from({ length: 25 }, (_, i) => i);

test('a list is processed in slices, in order', async () => {
  const slices: number[] = [];
  const doubled = await inSlices(numbers, 10, async (some) => {
    slices.push(some.length);
    return some.map((each) => 2 * each);
  });
  expect(doubled).toEqual(numbers.map((each) => 2 * each));
  expect(slices).toEqual([10, 10, 5]);
});

test('an empty list causes no work', async () => {
  const work = async () => ['something'];
  expect(await inSlices([], 10, work)).toEqual([]);
});

test('other tasks run between slices', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  await inSlices(numbers, 10, async (some) => {
    order.push('slice');
    return some;
  });
  expect(order.indexOf('other')).toBe(1);
});

test('a failing slice ends the processing', async () => {
  let slices = 0;
  const failing = inSlices(numbers, 10, async () => {
    slices += 1;
    throw new Error('no more');
  });
  await expect(failing).rejects.toThrow('no more');
  expect(slices).toBe(1);
});

test('slices have a maximum count and weight, and a heavy item is a separate slice', () => {
  const cut = (...weights: number[]) => [...slicesOf(weights, { count: 3, weight: 10 }, (weight) => weight)];
  expect(cut(1, 1, 1, 1)).toEqual([[1, 1, 1], [1]]);
  expect(cut(6, 5, 4, 2)).toEqual([[6], [5, 4], [2]]);
  expect(cut(50, 1, 50)).toEqual([[50], [1], [50]]);
  expect(cut()).toEqual([]);
});

test('yields to the event loop between slices without results', async () => {
  const order: string[] = [];
  setImmediate(() => order.push('other'));
  await eachSlice([[1], [2]], async ([item]) => {
    order.push(`slice ${item}`);
    return [];
  });
  expect(order).toEqual(['slice 1', 'other', 'slice 2']);
});
