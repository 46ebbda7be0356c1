import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/storage/engine/database.ts';
import { wantedGrams } from '../../src/storage/search/grams.ts';
import { MessageIndex } from '../../src/storage/search/message-index.ts';
import { engines } from '../storage/engines.ts';

/** More rooms than one query looks into. */
const ROOMS = 450;
const MESSAGES = 3_000;
const WORDS = ['heron', 'stork', 'heron and stork'];

const messages = Array.from({ length: MESSAGES }, (_, i) => ({
  num: i + 1,
  // Without a pattern, and most in few rooms.
  room: 1 + (((i * 7919) % ROOMS) % (i % 3 === 0 ? ROOMS : 5)),
  text: WORDS[(i * 31) % WORDS.length] ?? '',
}));

describe.each(engines)('the index of messages, on $name', (engine) => {
  let database: Database;
  let end: () => Promise<void>;
  let index: MessageIndex;
  beforeAll(async () => {
    ({ database, end } = await engine.open());
    index = new MessageIndex(database);
    await database.commit(messages.map((message) => index.put(message, message.text)));
  });
  afterAll(() => end());

  /** All that is found, a page after the other. */
  async function pages(words: readonly string[], rooms: readonly number[], limit: number): Promise<number[]> {
    const found: number[] = [];
    // Pages that never end would be wrong as well.
    while (found.length <= MESSAGES) {
      const page = await index.find(wantedGrams(words), rooms, { before: found.at(-1) ?? MESSAGES + 1, limit });
      found.push(...page);
      if (page.length < limit) break;
    }
    return found;
  }

  test('finds page by page what is in the rooms asked for, the latest first, nothing twice', async () => {
    const rooms = fc.shuffledSubarray(Array.from({ length: ROOMS }, (_, i) => i + 1));
    await fc.assert(
      fc.asyncProperty(
        rooms,
        fc.integer({ min: 20, max: 700 }),
        fc.constantFrom('heron', 'stork'),
        async (...given) => {
          const [some, limit, word] = given;
          const expected = messages.filter(({ room, text }) => some.includes(room) && text.includes(word));
          expect(await pages([word], some, limit)).toEqual(expected.map(({ num }) => num).reverse());
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a room is no part of a text, and no room begins with another', async () => {
    await database.commit([index.put({ num: MESSAGES + 1, room: 1 }, 'in \ue0ff002 and \ue0ff 002')]);
    const last = { before: MESSAGES + 2, limit: 1 };
    expect(await index.find(wantedGrams(['\ue0ff002']), [1], last)).toEqual([MESSAGES + 1]);
    expect(await index.find(wantedGrams(['\ue0ff002']), [2, 10, 11], last)).toEqual([]);
    await database.commit([index.remove([MESSAGES + 1])]);
  });

  test('no rooms, nothing found', async () => {
    expect(await index.find(wantedGrams(['heron']), [], { before: MESSAGES, limit: 10 })).toEqual([]);
  });
});
