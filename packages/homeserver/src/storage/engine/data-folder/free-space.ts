import { constants, existsSync } from 'node:fs';
import { access, statfs } from 'node:fs/promises';

/**
 * Returns the free space of the disk with a folder, in bytes; undefined if the folder does not exist.
 * @throws Error when this user cannot write to the folder
 */
export async function freeSpaceOf(folder: string): Promise<number | undefined> {
  if (!existsSync(folder)) return undefined;
  await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
