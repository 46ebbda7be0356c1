import { expect, test } from 'vitest';
import { release } from '../../src/platform/release.ts';

test('a buffer of its own is given back at once; one that shares its memory stays', () => {
  const own = Buffer.from(new ArrayBuffer(100));
  release(own);
  expect(own).toHaveLength(0);
  const shared = Buffer.from(new ArrayBuffer(100)).subarray(10);
  release(shared);
  expect(shared).toHaveLength(90);
});
