import { expect, test } from 'vitest';
import { KeyStock } from '../../src/encryption/key-stock.ts';
import { ONE_TIME, UNUSED_FALLBACK } from '../../src/storage/encryption/claimable-keys.ts';

const key = (num: number, kind: number = ONE_TIME) => ({
  num,
  device: 1,
  kind,
  key_id: `signed_curve25519:${num}`,
});

test('a key that was loaded before its upload is announced is there once, also when it has been given out', () => {
  const stock = new KeyStock();
  for (const num of [1, 2, 3]) stock.add(key(num));
  expect(stock.take('signed_curve25519')?.num).toBe(1);
  for (const num of [1, 2, 3, 4]) stock.add(key(num));
  expect(stock.counts()).toEqual({ signed_curve25519: 3 });
  expect([1, 2, 3].map(() => stock.take('signed_curve25519')?.num)).toEqual([2, 3, 4]);
  expect(stock.take('signed_curve25519')).toBeUndefined();
});

test('a fallback key that was used before its upload is announced stays used', () => {
  const stock = new KeyStock();
  stock.add(key(5, UNUSED_FALLBACK));
  expect(stock.take('signed_curve25519')).toEqual({ num: 5, isOneTime: false, isFirstUse: true });
  stock.add(key(5, UNUSED_FALLBACK));
  expect(stock.take('signed_curve25519')).toEqual({ num: 5, isOneTime: false, isFirstUse: false });
  stock.add(key(6, UNUSED_FALLBACK));
  expect(stock.take('signed_curve25519')).toEqual({ num: 6, isOneTime: false, isFirstUse: true });
});

test('a key that was given out before it was loaded does not come back', () => {
  const stock = new KeyStock();
  stock.addGiven(key(1));
  stock.add(key(1));
  stock.add(key(2));
  stock.add(key(9, UNUSED_FALLBACK));
  expect(stock.isOnDisk).toBe(true);
  expect([1, 2].map(() => stock.take('signed_curve25519')?.num)).toEqual([2, 9]);
});
