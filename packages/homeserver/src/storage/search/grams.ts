/**
 * Texts cut into pieces of up to three characters, so that any part of a text is found in any script, also where words
 * are not separated by spaces. A piece begins at each character and ends with its word at the latest.
 */

/** A search finds only the beginning of longer texts. */
const CHARACTERS_MAX = 8_000;
const GRAM_CHARACTERS = 3;
/** This number of pieces tells texts apart; a search compares the texts themselves afterwards. */
const QUERIED_MAX = 48;

/** A piece of a text, or what pieces begin with. */
export interface WantedGram {
  readonly text: string;
  readonly isPrefix: boolean;
}

/** A text in the form in which texts are compared: without case, width and compositions. */
export function foldText(text: string): string {
  return text.toWellFormed().normalize('NFKC').toLowerCase();
}

/** The words of a folded text. */
export function wordsOf(folded: string): string[] {
  return folded.split(/\s+/u).filter((word) => word !== '');
}

/** The pieces of a text, each once. */
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

/** The pieces that a text has if it contains these folded words. One Latin letter says nothing. */
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

/** The start of a private use area, in which no text has a meaning. */
const PRIVATE_USE = 0xe000;

/** Characters that all count as letters to the engines' own rules: ASCII punctuation moves to where it has no meaning. */
function lettersOf(word: string): string[] {
  return Array.from(word, (character) => {
    const code = character.charCodeAt(0);
    return code >= 0x80 || /[a-z0-9]/.test(character) ? character : String.fromCharCode(PRIVATE_USE + code);
  });
}
