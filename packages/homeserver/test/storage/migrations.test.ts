import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { migrations } from '../../src/storage/engine/migrations/index.ts';

const FOLDER = join(import.meta.dirname, '../../src/storage/engine/migrations');

test('migrations stand in the order of their files, and versions count from 1 without gaps', async () => {
  const files = readdirSync(FOLDER)
    .filter((name) => /^\d/.test(name))
    .sort();
  const exported = await Promise.all(files.map(async (name) => Object.values(await import(join(FOLDER, name)))));
  expect(exported).toEqual(migrations.map((migration) => [migration]));
  expect(migrations.map(({ version }) => version)).toEqual(files.map((_, i) => i + 1));
  expect(files.map((name) => Number.parseInt(name, 10))).toEqual(migrations.map(({ version }) => version));
});

test('a later schema never works with an older program than the one before', () => {
  const oldest = migrations.map(({ oldestCompatible }) => oldestCompatible);
  expect(oldest).toEqual(oldest.toSorted((a, b) => a - b));
  expect(migrations.filter(({ version, oldestCompatible }) => oldestCompatible > version)).toEqual([]);
});
