import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../../../platform/monitoring/log.ts';

/** Read and written by the owner alone. */
const PRIVATE = 0o600;
/** The bits that the mode of a private file or folder must not have. */
const OTHERS = 0o077;

/** Makes a file that nobody else reads, unless there is one. SQLite gives the files beside it the same mode. */
export function createPrivateFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', PRIVATE));
}

/**
 * Warns of files and folders with secrets that others on this machine may read or write: signing keys, key backups and
 * messages are in the database. Paths that do not exist are skipped.
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
