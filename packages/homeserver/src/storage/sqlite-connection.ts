import { DatabaseSync } from 'node:sqlite';

/**
 * The write-ahead log is folded into the database after this many statements. Small, because the log's file never
 * shrinks: it is what an idle server pays on disk.
 */
export const CHECKPOINT_EVERY_STATEMENTS = 150;

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
