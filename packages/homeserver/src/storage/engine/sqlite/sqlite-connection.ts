import { DatabaseSync } from 'node:sqlite';

/**
 * Returns the number of statements after which the write-ahead log of a database with this number of pages is
 * checkpointed. The file of the log never shrinks while the server runs, so its size is limited to a fraction of the
 * database.
 */
export function checkpointAfter(pages: number): number {
  return Math.min(Math.max(Math.floor(pages / 8), CHECKPOINT_STATEMENTS_MIN), CHECKPOINT_STATEMENTS_MAX);
}

const CHECKPOINT_STATEMENTS_MIN = 64;
const CHECKPOINT_STATEMENTS_MAX = 1_000;

const PAGE_CACHE_KIB = 6_000;

/** Opens the connection that writes. A commit returns when it is on disk (`fsync`). */
export function openForWriting(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA wal_autocheckpoint = 0');
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
  return database;
}

/** Opens a connection that reads. A statement sees every transaction that was committed before it began. */
export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA query_only = ON');
  database.exec('PRAGMA busy_timeout = 5000');
  database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
  return database;
}

/** Opens a connection that cannot write, for a program besides the server. */
export function openReadOnly(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true });
  database.exec('PRAGMA busy_timeout = 5000');
  return database;
}
