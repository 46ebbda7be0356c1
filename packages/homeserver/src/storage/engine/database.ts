/**
 * The interface of both engines. Everything above speaks to the database through this file alone.
 *
 * SQL is written once, in the part that SQLite and PostgreSQL share, with `?` for values and `@list` where the
 * right-hand side of a comparison is a list: `WHERE num IN @list` takes an array of numbers or strings, `IN @blobs` one
 * of byte strings. Upserts are
 * written `ON CONFLICT (…) DO …`.
 */

/** A value in a statement or a row. Integers stay below 2^53. Lists are for `IN @list` only. */
export type Value = string | number | null | Uint8Array;
export type Bound = Value | readonly number[] | readonly string[] | readonly Uint8Array[];

/** One SQL statement, prepared once for each connection. Declare it at module level with {@link sql}. */
export interface Statement {
  readonly text: string;
  /** Counts the declared statements; what travels to the writer's thread instead of the text. */
  readonly index: number;
  /** For a statement that puts in many rows, see {@link sqlRows}: what its columns hold. */
  readonly columns?: readonly ColumnType[];
}

export type ColumnType = 'integer' | 'text';

const declared: Statement[] = [];

/** All statements that have been declared so far. */
export const declaredStatements: readonly Statement[] = declared;

/** Declares a statement. Call it at module level only: a statement is never forgotten. */
export function sql(text: string): Statement {
  const statement = { text, index: declared.length };
  declared.push(statement);
  return statement;
}

/** Declares a statement for many rows at once. It is written for one: `INSERT INTO t (a, b) VALUES (?, ?)`. */
export function sqlRows(text: string, columns: readonly ColumnType[]): Statement {
  return { ...sql(text), columns };
}

/** The values of one column, a value for each row. */
export type Column = readonly number[] | readonly string[];

/** One statement of a transaction. */
export interface Write {
  readonly statement: Statement;
  readonly values: readonly Bound[];
  /** For a statement of {@link sqlRows}, instead of `values`. */
  readonly columns?: readonly Column[];
  /**
   * How many rows it has to change. When it changes another number the transaction changes nothing and is refused
   * with {@link Fenced}. Guards stand at the beginning of a transaction, before any write without one.
   */
  readonly changes?: number;
  /** Called when the transaction is on disk, before its promise resolves. Must not throw. */
  readonly stored?: () => void;
}

/** Puts a statement and its values together. */
export function write(statement: Statement, ...values: Bound[]): Write {
  return { statement, values };
}

/** Puts a statement of {@link sqlRows} and its rows together, column by column: so they travel. */
export function writeRows(statement: Statement, ...columns: Column[]): Write {
  return { statement, values: [], columns };
}

/** A write that fences: unless it changes exactly one row its transaction is refused with {@link Fenced}. */
export function guard(statement: Statement, ...values: Bound[]): Write {
  return { statement, values, changes: 1 };
}

/** A guard of the transaction did not find what it expected; nothing was written. */
export class Fenced extends Error {}

export interface Database {
  readonly dialect: 'sqlite' | 'postgres';
  /** No other process writes to it as long as it is open. */
  readonly isExclusive: boolean;
  /** All rows. Sees every transaction whose `commit` has resolved. */
  all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]>;
  /** The first row. */
  first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined>;
  /**
   * One transaction, all or nothing. Transactions commit in the order of the calls, several to a group; the promise
   * resolves when the group is on disk.
   * @throws Fenced when a guard failed
   */
  commit(writes: readonly Write[]): Promise<void>;
  /** Waits for what is queued, then closes every connection. */
  close(): Promise<void>;
}
