import { expect, test } from 'vitest';
import { LruMap } from '../../src/platform/caches/lru.ts';

const keys = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test('the most recently used values are present, and never more than the bound', () => {
  const map = new LruMap<number, number>(100);
  for (const key of keys(0, 1_000)) map.set(key, key);
  expect(keys(950, 1_000).every((key) => map.get(key) === key)).toBe(true);
  expect(keys(0, 1_000).filter((key) => map.get(key) !== undefined).length).toBeLessThanOrEqual(100);
  expect(map.get(0)).toBeUndefined();
});

test('a value in use stays while others are added and evicted', () => {
  const map = new LruMap<string, number>(10);
  map.set('kept', 1);
  for (const key of keys(0, 100)) {
    map.set(String(key), key);
    expect(map.get('kept')).toBe(1);
  }
});

test('a value that was replaced or removed is not returned again', () => {
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

test('lookups of a key in steady use do not become slower', () => {
  const map = new LruMap<number, number>(20_000);
  for (const key of keys(0, 11_000)) map.set(key, key);
  const began = performance.now();
  for (let i = 0; i < 200_000; i += 1) map.get(1);
  expect(performance.now() - began).toBeLessThan(1_000);
});

test('the values never take more than the bound of bytes', () => {
  const map = new LruMap<number, string>(1_000, { bytesMax: 10_000, bytesOf: (value) => value.length });
  for (const key of keys(0, 500)) map.set(key, 'x'.repeat(key));
  const present = keys(0, 500).filter((key) => map.get(key) !== undefined);
  expect(present).toContain(499);
  expect(present.reduce((sum, key) => sum + key, 0)).toBeLessThanOrEqual(10_000 + 500);
});

test('the size of a value is computed again when it is stored again', () => {
  const map = new LruMap<string, number[]>(1_000, { bytesMax: 100, bytesOf: (value) => value.length });
  const growing: number[] = [];
  map.set('other', [1]);
  for (let i = 0; i < 60; i += 1) {
    growing.push(i);
    map.set('growing', growing);
  }
  map.set('third', [1]);
  for (let i = 0; i < 60; i += 1) map.set(`more ${i}`, [1]);
  expect(map.get('growing')).toBeUndefined();
});
