import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import { checkpointAfter, openForWriting } from './sqlite-connection.ts';

/**
 * The writer's thread with the only connection that writes. It receives groups of transactions, commits each group in
 * one transaction of SQLite, and answers with one result for each transaction.
 */

/**
 * One transaction. Each statement has its index, the number of rows that it must change (-1: any) and its values. A
 * statement for many rows has an array for each column.
 */
export type PackedTransaction = readonly (readonly [
  index: number,
  changes: number,
  values: readonly SQLInputValue[],
  columns?: readonly (readonly SQLInputValue[])[],
])[];

export interface GroupMessage {
  /** Statements that this thread has not seen before. */
  readonly texts: readonly (readonly [index: number, text: string])[];
  readonly transactions: readonly PackedTransaction[];
}

/** The results of a group: `null` for each transaction that is on disk, otherwise the reason of the failure. */
export type GroupReply = readonly (null | { readonly fenced: boolean; readonly message: string })[];

class GuardFailed extends Error {}

const database: DatabaseSync = openForWriting(workerData.path);
const prepared: StatementSync[] = [];
const begin = database.prepare('BEGIN IMMEDIATE');
const commit = database.prepare('COMMIT');
const pageCount = database.prepare('PRAGMA page_count');
let sinceCheckpoint = 0;
let checkpointAt = checkpointAfter(pages());

function pages(): number {
  return Number(pageCount.get()?.page_count ?? 0);
}

function execute(transaction: PackedTransaction): void {
  for (const [index, changes, values, columns] of transaction) {
    const statement = prepared[index];
    if (statement === undefined) throw new Error(`statement ${index} was never sent`);
    const changed = columns === undefined ? Number(statement.run(...values).changes) : runRows(statement, columns);
    if (changes >= 0 && changed !== changes) throw new GuardFailed('a guard did not find what it expected');
  }
  sinceCheckpoint += transaction.length;
}

function runRows(statement: StatementSync, columns: readonly (readonly SQLInputValue[])[]): number {
  const count = columns[0]?.length ?? 0;
  const values: SQLInputValue[] = [];
  let changed = 0;
  for (let i = 0; i < count; i += 1) {
    for (const [k, column] of columns.entries()) values[k] = column[i] ?? null;
    changed += Number(statement.run(...values).changes);
  }
  return changed;
}

function inTransaction(transactions: readonly PackedTransaction[]): void {
  begin.run();
  try {
    for (const transaction of transactions) execute(transaction);
    commit.run();
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

function failure(error: unknown): { fenced: boolean; message: string } {
  return { fenced: error instanceof GuardFailed, message: error instanceof Error ? error.message : String(error) };
}

/**
 * Commits a group in one transaction. If a part of it fails, commits each part separately, so that only the failing
 * part is rejected.
 */
function commitGroup(transactions: readonly PackedTransaction[]): GroupReply {
  try {
    inTransaction(transactions);
    return transactions.map(() => null);
  } catch (error) {
    if (transactions.length === 1) return [failure(error)];
  }
  return transactions.map((transaction) => {
    try {
      inTransaction([transaction]);
      return null;
    } catch (error) {
      return failure(error);
    }
  });
}

parentPort?.on('message', (message: GroupMessage | 'close') => {
  if (message === 'close') {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    parentPort?.postMessage([]);
    parentPort?.close();
    return;
  }
  for (const [index, text] of message.texts) prepared[index] = database.prepare(text);
  parentPort?.postMessage(commitGroup(message.transactions));
  // The checkpoint comes after the answer, so that no request waits for it.
  if (sinceCheckpoint >= checkpointAt) {
    database.exec('PRAGMA wal_checkpoint(PASSIVE)');
    sinceCheckpoint = 0;
    checkpointAt = checkpointAfter(pages());
  }
});
