import { expect, test } from 'vitest';
import { LruMap } from '../../src/platform/lru.ts';

const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('what was used last is there, and never more than the bound', () => {
  const map = new LruMap<number, number>(100);
  for (const key of keys(0, 1_000)) map.set(key, key);
  expect(keys(950, 1_000).every((key) => map.get(key) === key)).toBe(true);
  expect(keys(0, 1_000).filter((key) => map.get(key) !== undefined).length).toBeLessThanOrEqual(100);
  expect(map.get(0)).toBeUndefined();
});

test('what is used stays while others come and go', () => {
  const map = new LruMap<string, number>(10);
  map.set('kept', 1);
  for (const key of keys(0, 100)) {
    map.set(String(key), key);
    expect(map.get('kept')).toBe(1);
  }
});

test('a value that was replaced or removed does not come back', () => {
  const map = new LruMap<number, string>(4);
  map.set(1, 'old');
  map.set(2, 'removed');
  map.set(3, 'fills');
  map.set(1, 'new');
  map.delete(2);
  expect([map.get(1), map.get(2)]).toEqual(['new', undefined]);
  map.delete(1);
  expect(map.get(1)).toBeUndefined();
  map.clear();
  expect(map.get(3)).toBeUndefined();
});

test('a key in steady use does not become slower to find', () => {
  const map = new LruMap<number, number>(20_000);
  for (const key of keys(0, 11_000)) map.set(key, key);
  const began = performance.now();
  for (let i = 0; i < 200_000; i += 1) map.get(1);
  expect(performance.now() - began).toBeLessThan(1_000);
});
