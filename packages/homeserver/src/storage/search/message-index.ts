import { inSlices } from '../../platform/concurrency/in-slices.ts';
import { type Database, sql, type Write } from '../engine/database.ts';
import type { WantedGram } from './grams.ts';
import { matchText, textIndex } from './text-index.ts';

const index = textIndex('message_index');
const find = {
  sqlite: sql(
    `SELECT rowid AS num FROM message_index
     WHERE message_index MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?`,
  ),
  postgres: sql(
    `SELECT num FROM message_index
     WHERE grams @@ CAST(? AS tsquery) AND num < ? ORDER BY num DESC LIMIT ?`,
  ),
};

/** The number of rooms that one query searches. */
const ROOMS_AT_ONCE = 200;

/** The index of messages by pieces of their texts and by rooms. */
export class MessageIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  put(event: { readonly num: number; readonly room: number }, text: string): Write {
    return index.put(this.#database.dialect, event.num, text, event.room);
  }

  remove(events: readonly number[]): Write {
    return index.remove(this.#database.dialect, events);
  }

  /** Returns events of these rooms before an event that have all of these pieces, the latest first. */
  async find(
    wanted: readonly WantedGram[],
    rooms: readonly number[],
    { before, limit }: { readonly before: number; readonly limit: number },
  ): Promise<number[]> {
    const { dialect } = this.#database;
    const found = await inSlices(rooms, ROOMS_AT_ONCE, (some) =>
      this.#database.all<{ num: number }>(find[dialect], matchText(dialect, wanted, some), before, limit),
    );
    return found
      .map(({ num }) => num)
      .sort((a, b) => b - a)
      .slice(0, limit);
  }
}
