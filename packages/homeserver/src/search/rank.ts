/** The score of a match at the beginning of a word. */
const WHOLE = 1;
/** The score of each further match, and the maximum number of them. */
const AGAIN = 0.1;
const AGAIN_MAX = 5;

/**
 * Returns how well a folded text matches folded words, from above 0 to about 3; `undefined` when a word is missing.
 * Short texts rank above long ones.
 */
export function rankOf(text: string, words: readonly string[]): number | undefined {
  let sum = 0;
  let length = 0;
  for (const word of words) {
    const first = text.indexOf(word);
    if (first === -1) return undefined;
    const before = text.charAt(first - 1);
    sum += 1 + (/[\p{L}\p{N}]/u.test(before) ? 0 : WHOLE) + AGAIN * further(text, word, first);
    length += word.length;
  }
  return sum / Math.max(1, words.length) + length / Math.max(length, text.length);
}

function further(text: string, word: string, first: number): number {
  let count = 0;
  let at = text.indexOf(word, first + word.length);
  while (at !== -1 && count < AGAIN_MAX) {
    count += 1;
    at = text.indexOf(word, at + word.length);
  }
  return count;
}
