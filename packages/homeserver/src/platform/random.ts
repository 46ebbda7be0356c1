import { randomBytes } from 'node:crypto';

/**
 * A source of randomness. It is passed in so that the simulation can replay a seed; nothing outside this folder reads
 * the system's source.
 */
export interface Random {
  /** Returns unpredictable bytes. */
  bytes(length: number): Uint8Array;
}

/** The machine's source of randomness. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

/** Returns a random number from `min` to `max`, which is only as fine as waiting times need. */
export function between(random: Random, min: number, max: number): number {
  const share = (random.bytes(1)[0] ?? 0) / 255;
  return min + share * (max - min);
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ALPHABET = `${LETTERS}${LETTERS.toLowerCase()}0123456789`;

/** Returns a text of letters and digits, about 5.95 bits each. Secrets have 22 or more. */
export function randomText(random: Random, length: number): string {
  return draw(random, length, ALPHABET);
}

/** Returns a text of capital letters, for device ids and for texts that people type. */
export function randomLetters(random: Random, length: number): string {
  return draw(random, length, LETTERS);
}

function draw(random: Random, length: number, alphabet: string): string {
  // Bytes at or above the largest multiple are discarded, because their remainders would favour some characters.
  const bound = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length + 4)) {
      if (byte < bound && text.length < length) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}
