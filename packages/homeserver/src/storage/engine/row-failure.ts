import { Unavailable } from '../../platform/unavailable.ts';
import type { Database } from './database.ts';
import { setFollowed } from './followers.ts';

/**
 * Runs the work of a background job on one row and returns the error that the row causes, so that the job can skip the
 * row. Failures of the database itself are thrown, because a later attempt may succeed: it is unavailable, or it
 * accepts no writes at all, as with a full disk.
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
