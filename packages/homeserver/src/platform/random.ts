import { randomBytes } from 'node:crypto';

/** Randomness, passed in so that the simulation can replay a seed. Nothing outside this folder draws any. */
export interface Random {
  /** Unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

/** The machine's source of randomness. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ALPHABET = `${LETTERS}${LETTERS.toLowerCase()}0123456789`;

/** A text of letters and digits, about 5.95 bits each: 22 for what must not be guessed in a lifetime. */
export function randomText(random: Random, length: number): string {
  return draw(random, length, ALPHABET);
}

/** A text of capital letters, as for device ids and what people may have to type. */
export function randomLetters(random: Random, length: number): string {
  return draw(random, length, LETTERS);
}

function draw(random: Random, length: number, alphabet: string): string {
  // Bytes at or above the largest multiple are thrown away: taking the remainder would favour some characters.
  const bound = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 4)) {
      if (byte < bound && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}
