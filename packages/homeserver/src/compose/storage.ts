import type { Config } from '../config/schema.ts';
import { lockDataDir } from '../storage/engine/data-folder/lock.ts';
import type { Database } from '../storage/engine/database.ts';
import { openDatabase } from '../storage/engine/open.ts';
import type { Closing } from './closing.ts';
import type { Machine } from './machine.ts';

/**
 * Opens the database if no other process uses it. It waits up to `lockWaitMs` for another process.
 * @throws StorageInUse if another process still uses it after that time
 */
export async function openStorage(
  config: Config,
  { clock, random, log, onFatal = () => undefined }: Machine,
  lockWaitMs: number,
  closing: Closing,
): Promise<Database> {
  const { url } = config.database;
  if (url === undefined) closing.add(lockDataDir(config.data_dir, lockWaitMs));
  const postgres = { clock, random, log, lockWaitMs, onFatal };
  const database = await openDatabase(url === undefined ? { dataDir: config.data_dir } : { url, ...postgres });
  closing.add(database);
  return database;
}
