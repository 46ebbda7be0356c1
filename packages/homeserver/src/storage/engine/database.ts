/**
 * The interface of both engines. All other code uses the database only through this file.
 *
 * Each statement is written once, in the SQL that SQLite and PostgreSQL share. `?` stands for a value. `@list` stands
 * for a list: `WHERE num IN @list` takes an array of numbers or strings, `IN @blobs` an array of byte strings. Upserts
 * are written `ON CONFLICT (…) DO …`.
 */

/** A value in a statement or a row. Integers stay below 2^53. Lists are for `IN @list` only. */
export type Value = string | number | null | Uint8Array;
export type Bound = Value | readonly number[] | readonly string[] | readonly Uint8Array[];

/** An SQL statement that is prepared once for each connection. Modules declare it at module level with {@link sql}. */
export interface Statement {
  readonly text: string;
  /** The position among the declared statements. The writer's thread receives it instead of the text. */
  readonly index: number;
  /** The types of the columns of a statement for many rows, see {@link sqlRows}. */
  readonly columns?: readonly ColumnType[];
}

export type ColumnType = 'integer' | 'text';

const declared: Statement[] = [];

/** All declared statements. */
export const declaredStatements: readonly Statement[] = declared;

/** Declares a statement. It must be called at module level, because a statement is never removed. */
export function sql(text: string): Statement {
  const statement = { text, index: declared.length };
  declared.push(statement);
  return statement;
}

/** Declares a statement that runs for many rows. Its text is for one row: `INSERT INTO t (a, b) VALUES (?, ?)`. */
export function sqlRows(text: string, columns: readonly ColumnType[]): Statement {
  return { ...sql(text), columns };
}

/** The values of one column, a value for each row. */
export type Column = readonly number[] | readonly string[];

/** One statement of a transaction. */
export interface Write {
  readonly statement: Statement;
  readonly values: readonly Bound[];
  /** The rows of a statement of {@link sqlRows}, by column. They replace `values`. */
  readonly columns?: readonly Column[];
  /**
   * The number of rows that the statement must change. If it changes another number, the whole transaction is rejected
   * with {@link Fenced}. Guards are the first statements of a transaction.
   */
  readonly changes?: number;
  /** A function that is called when the transaction is on disk, before its promise resolves. It must not throw. */
  readonly stored?: () => void;
}

/** Returns a write of a statement with its values. */
export function write(statement: Statement, ...values: Bound[]): Write {
  return { statement, values };
}

/** Returns a write of a statement of {@link sqlRows} with its rows, by column. */
export function writeRows(statement: Statement, ...columns: Column[]): Write {
  return { statement, values: [], columns };
}

/** Returns a guard: a write whose transaction is rejected with {@link Fenced} unless it changes exactly one row. */
export function guard(statement: Statement, ...values: Bound[]): Write {
  return { statement, values, changes: 1 };
}

/** The error for a transaction that a guard has rejected. Nothing was written. */
export class Fenced extends Error {}

export interface Database {
  readonly dialect: 'sqlite' | 'postgres';
  /** Whether no other process can write to the database while it is open. */
  readonly isExclusive: boolean;
  /** Returns all rows. The statement sees every transaction whose `commit` has resolved. */
  all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]>;
  /** Returns the first row. */
  first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined>;
  /**
   * Commits one atomic transaction. Transactions commit in groups, in the order of the calls. The promise resolves when
   * the group is on disk.
   * @throws Fenced when a guard has failed
   */
  commit(writes: readonly Write[]): Promise<void>;
  /** Waits for queued transactions and closes every connection. */
  close(): Promise<void>;
}
