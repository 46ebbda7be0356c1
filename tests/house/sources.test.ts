import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import {
  BANNED_TEXTS,
  CLOCK_AND_RANDOM,
  FILE_LINES_MAX,
  FILE_LINES_MEDIAN_MAX,
  FILE_LINES_MOST_MAX,
  FOLDER_FILES_MAX,
  LARGE_FOLDERS,
} from './rules.ts';
import { readSources, withoutComments } from './sources.ts';

const sources = readSources();
const lines = (text: string) => text.split('\n').length;

test('files have at most 300 lines', () => {
  expect(sources.filter(({ text }) => lines(text) > FILE_LINES_MAX).map(({ path }) => path)).toEqual([]);
});

test('the median file has at most 80 lines, and 90 % of the files have at most 200', () => {
  const sorted = sources.map(({ text }) => lines(text)).sort((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(FILE_LINES_MEDIAN_MAX);
  expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThanOrEqual(FILE_LINES_MOST_MAX);
});

test('folders have at most 16 files, except those that rules.ts lists', () => {
  const folders = Map.groupBy(sources, ({ path }) => dirname(path));
  const large = [...folders].filter(([, files]) => files.length > FOLDER_FILES_MAX).map(([folder]) => folder);
  expect(large.sort()).toEqual([...LARGE_FOLDERS.keys()].sort());
});

test('clock and randomness are read in platform only', () => {
  const readers = sources.filter(
    ({ path, text }) => !path.startsWith('homeserver/src/platform/') && CLOCK_AND_RANDOM.test(withoutComments(text)),
  );
  expect(readers.map(({ path }) => path)).toEqual([]);
});

test.each(BANNED_TEXTS)('%s is not in any source', (_, pattern) => {
  expect(sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
});
