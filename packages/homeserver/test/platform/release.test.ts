import { expect, test } from 'vitest';
import { release } from '../../src/platform/release.ts';

test('a buffer with its own memory is freed at once, and one that shares its memory is kept', () => {
  const own = Buffer.from(new ArrayBuffer(100));
  release(own);
  expect(own).toHaveLength(0);
  const shared = Buffer.from(new ArrayBuffer(100)).subarray(10);
  release(shared);
  expect(shared).toHaveLength(90);
});
