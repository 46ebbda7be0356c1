import { expect, test } from 'vitest';
import { BANNED, CLOCK_AND_RANDOM, FILE_LINES_MAX, FILE_LINES_MEDIAN_MAX } from './rules.ts';
import { readSources, withoutComments } from './sources.ts';

const sources = readSources();
const lines = (text: string) => text.split('\n').length;

test('files have at most 300 lines', () => {
  expect(sources.filter(({ text }) => lines(text) > FILE_LINES_MAX).map(({ path }) => path)).toEqual([]);
});

test('the median file has less than 100 lines', () => {
  const sorted = sources.map(({ text }) => lines(text)).sort((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(FILE_LINES_MEDIAN_MAX);
});

test('clock and randomness are read in platform only', () => {
  const readers = sources.filter(
    ({ path, text }) => !path.startsWith('homeserver/src/platform/') && CLOCK_AND_RANDOM.test(withoutComments(text)),
  );
  expect(readers.map(({ path }) => path)).toEqual([]);
});

test.each(BANNED)('%s is not in any source', (_, pattern) => {
  expect(sources.filter(({ text }) => pattern.test(text)).map(({ path }) => path)).toEqual([]);
});
