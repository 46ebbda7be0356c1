import { expect, test } from 'vitest';
import { BufferPool } from '../../src/platform/buffer-pool.ts';

test('a pool reuses its buffers, and creates short ones when all are in use', () => {
  const pool = new BufferPool(100, 2);
  const [first, second, third, fourth] = [pool.take(10), pool.take(200), pool.take(10), pool.take(200)];
  expect([first, second, third, fourth].map(({ length }) => length)).toEqual([100, 100, 10, 100]);
  for (const buffer of [first, third, fourth]) pool.give(buffer);
  expect(pool.take(5)).toBe(first);
  expect(pool.take(5)).toHaveLength(5);
});
