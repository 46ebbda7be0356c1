import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageInUse } from '../storage-in-use.ts';
import { createPrivateFile } from './private-files.ts';
import { unusable } from './unusable-file.ts';

/** Another process has the data folder. */
class DataDirInUse extends StorageInUse {
  constructor(dataDir: string) {
    super(`another process is using the data folder ${dataDir}: stop it first, or choose another data_dir`);
  }
}

export interface DataDirLock {
  close(): void;
}

/**
 * Keeps other processes from opening the same data folder. The lock is the operating system's, taken through a file
 * of its own, so that it goes with the process however that ends.
 * @throws DataDirInUse when somebody still has it after `waitMs`
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
