import { DatabaseSync } from 'node:sqlite';

/**
 * After how many statements the write-ahead log is folded into a database of so many pages. The log's file never
 * shrinks while the server runs, so it may grow with the database, of which it stays a fraction, but not before it.
 */
export function checkpointAfter(pages: number): number {
  return Math.min(Math.max(Math.floor(pages / 8), CHECKPOINT_STATEMENTS_MIN), CHECKPOINT_STATEMENTS_MAX);
}

const CHECKPOINT_STATEMENTS_MIN = 64;
const CHECKPOINT_STATEMENTS_MAX = 1_000;

const PAGE_CACHE_KIB = 6_000;

/** Opens the connection that writes: each commit is on disk, in the sense of `fsync`, before it returns. */
export function openForWriting(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 0');
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
  return database;
}

/** Opens a connection that reads. It sees every transaction that was committed before the statement began. */
export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA query_only = ON');
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
  return database;
}
