import { type Database, type Statement, sql, type Write, write } from './database.ts';
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

  put(dialect: Dialect, num: number, text: string): Write {
    const grams = gramsOf(text);
    return write(this.#statements.put[dialect], num, dialect === 'sqlite' ? grams.join(' ') : grams);
  }

  remove(dialect: Dialect, nums: readonly number[]): Write {
    return write(this.#statements.remove[dialect], nums);
  }
}

/** What the engine's own operator for such an index takes. */
export function matchText(dialect: Dialect, wanted: readonly WantedGram[]): string {
  // Pieces have no quotes: `grams.ts` moves ASCII punctuation away.
  if (dialect === 'sqlite') return wanted.map(({ text, isPrefix }) => `"${text}"${isPrefix ? '*' : ''}`).join(' ');
  return wanted.map(({ text, isPrefix }) => `'${text}'${isPrefix ? ':*' : ''}`).join(' & ');
}
