import { type Database, sql, type Write } from './database.ts';
import type { WantedGram } from './grams.ts';
import { matchText, textIndex } from './text-index.ts';

const index = textIndex('message_index');
const find = {
  sqlite: sql(
    `SELECT e.num, e.room FROM message_index i JOIN events e ON e.num = i.rowid
     WHERE i.message_index MATCH ? AND i.rowid < ? ORDER BY i.rowid DESC LIMIT ?`,
  ),
  postgres: sql(
    `SELECT e.num, e.room FROM message_index i JOIN events e ON e.num = i.num
     WHERE i.grams @@ CAST(? AS tsquery) AND i.num < ? ORDER BY i.num DESC LIMIT ?`,
  ),
};

/** An event whose text may be what is searched for. */
export interface Candidate {
  readonly num: number;
  readonly room: number;
}

/** Where texts of events are found, by their pieces. */
export class MessageIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  put(event: number, text: string): Write {
    return index.put(this.#database.dialect, event, text);
  }

  remove(events: readonly number[]): Write {
    return index.remove(this.#database.dialect, events);
  }

  /** Events before one that have all of these pieces, the latest first. */
  find(wanted: readonly WantedGram[], before: number, limit: number): Promise<Candidate[]> {
    const { dialect } = this.#database;
    return this.#database.all<Candidate>(find[dialect], matchText(dialect, wanted), before, limit);
  }
}
