import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageInUse } from '../storage-in-use.ts';
import { createPrivateFile } from './private-files.ts';
import { unusable } from './unusable-file.ts';

/** The error for a data folder that another process uses. */
class DataDirInUse extends StorageInUse {
  constructor(dataDir: string) {
    super(`another process is using the data folder ${dataDir}: stop it first, or choose another data_dir`);
  }
}

export interface DataDirLock {
  close(): void;
}

/**
 * Locks a data folder, so that no other process opens it. The operating system releases the lock of a separate file
 * when the process ends in any way.
 * @throws DataDirInUse when another process still has the lock after `waitMs`
 * @throws OperatorError when the folder cannot be used
 */
export function lockDataDir(dataDir: string, waitMs: number): DataDirLock {
  const path = join(dataDir, 'hearth.lock');
  const file = openLockFile(path, waitMs);
  try {
    file.exec('PRAGMA journal_mode = MEMORY');
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if (error instanceof Error && error.message.includes('locked')) throw new DataDirInUse(dataDir);
    throw unusable(path, error);
  }
  return { close: () => file.close() };
}

function openLockFile(path: string, waitMs: number): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createPrivateFile(path);
    return new DatabaseSync(path, { timeout: waitMs });
  } catch (error) {
    throw unusable(path, error);
  }
}
