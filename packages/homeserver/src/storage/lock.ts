import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Another process has the data folder. */
export class DataDirInUse extends Error {
  constructor(dataDir: string) {
    super(`another process is using the data folder ${dataDir}`);
  }
}

export interface DataDirLock {
  close(): void;
}

/**
 * Keeps other processes from opening the same data folder. The lock is the operating system's, taken through a file
 * of its own, so that it goes with the process however that ends.
 * @throws DataDirInUse when somebody still has it after `waitMs`
 */
export function lockDataDir(dataDir: string, waitMs: number): DataDirLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const file = new DatabaseSync(join(dataDir, 'hearth.lock'), { timeout: waitMs });
  try {
    file.exec('PRAGMA journal_mode = MEMORY');
    file.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    if (error instanceof Error && error.message.includes('locked')) throw new DataDirInUse(dataDir);
    throw error;
  }
  return { close: () => file.close() };
}
