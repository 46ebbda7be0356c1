import { type Database, type Statement, sql, type Write, write } from '../engine/database.ts';
import { gramsOf, type WantedGram } from './grams.ts';

type Dialect = Database['dialect'];

interface Statements {
  readonly put: Readonly<Record<Dialect, Statement>>;
  readonly remove: Readonly<Record<Dialect, Statement>>;
}

/** Declares the statements of an index of texts. It must be called at module level, as {@link sql}. */
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
 * An index of texts by their pieces (`grams.ts`): FTS5 on SQLite, a `tsvector` on PostgreSQL. Both use the same pieces,
 * so that they find the same texts without an extension or a language setting.
 */
export class TextIndex {
  readonly #statements: Statements;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Stores a text. @param place the place of the text, for searches in some places only; see {@link matchText} */
  put(dialect: Dialect, num: number, text: string, place?: number): Write {
    const grams = gramsOf(text);
    if (place !== undefined) grams.push(placeGram(place));
    return write(this.#statements.put[dialect], num, dialect === 'sqlite' ? grams.join(' ') : grams);
  }

  remove(dialect: Dialect, nums: readonly number[]): Write {
    return write(this.#statements.remove[dialect], nums);
  }
}

/** Returns the operand of the search operator of the engine: all pieces, in one of the places if there are any. */
export function matchText(dialect: Dialect, wanted: readonly WantedGram[], places: readonly number[] = []): string {
  // Pieces contain no quotes, because `grams.ts` replaces ASCII punctuation.
  const [quote, prefix, and, or] = dialect === 'sqlite' ? ['"', '*', ' AND ', ' OR '] : ["'", ':*', ' & ', ' | '];
  const all = wanted.map(({ text, isPrefix }) => `${quote}${text}${quote}${isPrefix ? prefix : ''}`);
  if (places.length > 0) all.push(`(${places.map((place) => `${quote}${placeGram(place)}${quote}`).join(or)})`);
  return all.join(and);
}

/**
 * Returns the piece for a place. It differs from all pieces of texts, because it is longer and uses other characters.
 */
function placeGram(place: number): string {
  return `\ue0ff${String(place).padStart(3, '0')}`;
}
