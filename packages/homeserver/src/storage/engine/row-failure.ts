import { Unavailable } from '../../platform/unavailable.ts';
import type { Database } from './database.ts';
import { setFollowed } from './followers.ts';

/**
 * Runs a background job's work on one row and returns the error that the row causes, so that the job can set the row
 * aside and continue. The database's own failures are thrown, because another attempt may succeed: it is unavailable,
 * or, as with a full disk, takes no other writes either.
 */
export async function failureOfRow(database: Database, work: () => Promise<void>): Promise<unknown> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    await database.commit([setFollowed('probe', 0)]);
    return error ?? new Error('failed without a reason');
  }
}
