import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../../platform/monitoring/log.ts';

/** The mode of a file that only its owner can read and write. */
const PRIVATE = 0o600;
/** The bits that the mode of a private file or folder must not have. */
const OTHERS = 0o077;

/** Returns the path of the embedded database in a data folder. */
export function databasePath(dataDir: string): string {
  return join(dataDir, 'hearth.db');
}

/**
 * Creates a file that only its owner can read, unless the file exists. SQLite gives its further files the same mode.
 */
export function createPrivateFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', PRIVATE));
}

/**
 * Logs a warning about files and folders that other users of this machine can read or write. The database contains
 * signing keys, key backups and messages. Paths that do not exist are skipped.
 */
export function warnOfReadable(dataDir: string, mediaFolder: string | undefined, log: Pick<Log, 'warn'>): void {
  const files = ['hearth.db', 'hearth.db-wal', 'hearth.db-shm', 'hearth.lock'].map((name) => join(dataDir, name));
  const paths = [...files, mediaFolder ?? join(dataDir, 'media')];
  const open = paths.filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & OTHERS) !== 0);
  if (open.length === 0) return;
  const command = `chmod -R go= ${open.map(quoted).join(' ')}`;
  log.warn('other users of this machine can read the data of the server', { files: open.join(' '), remedy: command });
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
