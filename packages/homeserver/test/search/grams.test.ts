import { describe, expect, test } from 'vitest';
import { foldText, gramsOf, wantedGrams, wordsOf } from '../../src/storage/search/grams.ts';

const wanted = (term: string) => wantedGrams(wordsOf(foldText(term)));
/** Whether an index of `text` would give it to whoever searches for `term`. */
const finds = (text: string, term: string) => {
  const grams = gramsOf(text);
  return wanted(term).every(({ text: gram, isPrefix }) =>
    grams.some((each) => (isPrefix ? each.startsWith(gram) : each === gram)),
  );
};

describe('pieces of texts', () => {
  test.each([
    ['Hello World', 'lo'],
    ['Hello World', 'WORLD hell'],
    ['今日は良い天気です', '天気'],
    ['今日は良い天気です', '気'],
    ['我们明天在北京见面', '北京见'],
    ['ｆｕｌｌ width', 'full'],
    ['Größe', 'GRÖSS'.toLowerCase().replace('ss', 'ße').slice(0, 4)],
    ['see https://example.org/a?b="c"', 'org/a?b="c'],
    ['😀 smile 👍🏽', '👍'],
    ['x', 'x'.repeat(1)],
  ])('%j has %j', (text, term) => {
    expect(finds(text, term)).toBe(true);
  });

  test.each([
    ['Hello World', 'word'],
    ['今日は良い天気です', '天空'],
    ['Hello World', 'oW'],
  ])('%j has no %j', (text, term) => {
    expect(finds(text, term)).toBe(false);
  });

  test('do not exist for one Latin letter', () => {
    expect(wanted('a')).toEqual([]);
    expect(wanted('a the')).toEqual([{ text: 'the', isPrefix: false }]);
  });

  test('have a bound, and no quotes', () => {
    const text = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(0x4e00 + (i % 20_000))).join('');
    expect(gramsOf(text).length).toBeLessThanOrEqual(8_000);
    expect(wanted(text).length).toBeLessThanOrEqual(48);
    const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join('');
    expect(gramsOf(`${all}\ud800`).join('')).not.toMatch(/["'\\(:*]/);
  });
});
