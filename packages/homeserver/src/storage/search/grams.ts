/**
 * Texts are split into pieces of up to three characters (n-grams), so that a search finds any part of a text in any
 * script, also without spaces between words. A piece begins at each character and does not extend beyond its word.
 */

/** The number of characters of a text that are indexed. */
const CHARACTERS_MAX = 8_000;
const GRAM_CHARACTERS = 3;
/**
 * The maximum number of pieces in a query. More are not necessary, because a search compares the texts themselves
 * afterwards.
 */
const QUERIED_MAX = 48;

/** A piece of a text, or a prefix of pieces. */
export interface WantedGram {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** Returns a text in the form in which texts are compared, without differences of case, width and composition. */
export function foldText(text: string): string {
  return text.toWellFormed().normalize('NFKC').toLowerCase();
}

/** Returns the words of a folded text. */
export function wordsOf(folded: string): string[] {
  return folded.split(/\s+/u).filter((word) => word !== '');
}

/** Returns the distinct pieces of a text. */
export function gramsOf(text: string): string[] {
  const grams = new Set<string>();
  let rest = CHARACTERS_MAX;
  for (const word of wordsOf(foldText(text.slice(0, 2 * CHARACTERS_MAX)))) {
    const characters = lettersOf(word).slice(0, rest);
    for (let i = 0; i < characters.length; i++) grams.add(characters.slice(i, i + GRAM_CHARACTERS).join(''));
    rest -= characters.length;
    if (rest <= 0) break;
  }
  return [...grams];
}

/** Returns the pieces that a text has if it contains these folded words. Single ASCII characters are left out. */
export function wantedGrams(words: readonly string[]): WantedGram[] {
  const wanted = new Map<string, WantedGram>();
  for (const word of words) {
    const characters = lettersOf(word);
    const isPrefix = characters.length < GRAM_CHARACTERS;
    if (characters.length === 1 && word < '\u0080') continue;
    const last = isPrefix ? 0 : characters.length - GRAM_CHARACTERS;
    for (let i = 0; i <= last && wanted.size < QUERIED_MAX; i++) {
      const text = characters.slice(i, i + GRAM_CHARACTERS).join('');
      wanted.set(text, { text, isPrefix });
    }
  }
  return [...wanted.values()];
}

/** The start of the private use area, whose characters have no standard meaning. */
const PRIVATE_USE = 0xe000;

/** Returns characters that both engines treat as letters. ASCII punctuation is moved to the private use area. */
function lettersOf(word: string): string[] {
  return Array.from(word, (character) => {
    const code = character.charCodeAt(0);
    return code >= 0x80 || /[a-z0-9]/.test(character) ? character : String.fromCharCode(PRIVATE_USE + code);
  });
}
