import { type Database, type Statement, sql, type Write, write } from '../engine/database.ts';
import { gramsOf, type WantedGram } from './grams.ts';

type Dialect = Database['dialect'];

interface Statements {
  readonly put: Readonly<Record<Dialect, Statement>>;
  readonly remove: Readonly<Record<Dialect, Statement>>;
}

/** Declares the statements of an index of texts by number. Call it at module level only, as {@link sql}. */
export function textIndex(table: string): TextIndex {
  return new TextIndex({
    put: {
      sqlite: sql(`INSERT OR REPLACE INTO ${table} (rowid, grams) VALUES (?, ?)`),
      postgres: sql(
        `INSERT INTO ${table} (num, grams) VALUES (?, array_to_tsvector(CAST(? AS text[])))
         ON CONFLICT (num) DO UPDATE SET grams = excluded.grams`,
      ),
    },
    remove: {
      sqlite: sql(`DELETE FROM ${table} WHERE rowid IN @list`),
      postgres: sql(`DELETE FROM ${table} WHERE num IN @list`),
    },
  });
}

/**
 * An index of texts by the pieces in them (`grams.ts`): FTS5 on SQLite, a `tsvector` on PostgreSQL, both made from the
 * same pieces, so that both find the same, and neither needs an extension or a language.
 */
export class TextIndex {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** @param place where the text is, for those who look in some places only; see {@link matchText} */
  put(dialect: Dialect, num: number, text: string, place?: number): Write {
    const grams = gramsOf(text);
    if (place !== undefined) grams.push(placeGram(place));
    return write(this.#statements.put[dialect], num, dialect === 'sqlite' ? grams.join(' ') : grams);
  }

  remove(dialect: Dialect, nums: readonly number[]): Write {
    return write(this.#statements.remove[dialect], nums);
  }
}

/** The operand of the engine's own operator for such an index: all pieces, in one of the places if there are any. */
export function matchText(dialect: Dialect, wanted: readonly WantedGram[], places: readonly number[] = []): string {
  // Pieces have no quotes: `grams.ts` moves ASCII punctuation away.
  const [quote, prefix, and, or] = dialect === 'sqlite' ? ['"', '*', ' AND ', ' OR '] : ["'", ':*', ' & ', ' | '];
  const all = wanted.map(({ text, isPrefix }) => `${quote}${text}${quote}${isPrefix ? prefix : ''}`);
  if (places.length > 0) all.push(`(${places.map((place) => `${quote}${placeGram(place)}${quote}`).join(or)})`);
  return all.join(and);
}

/** Longer than any piece of a text, and of a script that only this has. */
function placeGram(place: number): string {
  return `\ue0ff${String(place).padStart(3, '0')}`;
}
