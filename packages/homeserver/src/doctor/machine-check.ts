import { X509Certificate } from 'node:crypto';
import { errorText } from '../platform/error-text.ts';
import { freeSpaceOf } from '../storage/engine/data-folder/free-space.ts';
import type { DatabaseStatus } from '../storage/engine/status/database-status.ts';
import { expiryFinding } from './certificate-check.ts';
import type { Finding } from './finding.ts';

const MEBIBYTE = 2 ** 20;
const FREE_BYTES_MIN = 100 * MEBIBYTE;
const FREE_BYTES_ENOUGH = 1024 * MEBIBYTE;

/** Checks that the data folder can be written to and has space. */
export async function checkDataFolder(folder: string): Promise<Finding> {
  const subject = 'disk';
  try {
    const free = await freeSpaceOf(folder);
    if (free === undefined) {
      return { outcome: 'skipped', subject, text: `${folder} does not exist yet; the first start creates it` };
    }
    const text = `${folder} has ${Math.floor(free / MEBIBYTE)} MiB of free space`;
    if (free >= FREE_BYTES_ENOUGH) return { outcome: 'ok', subject, text };
    const outcome = free < FREE_BYTES_MIN ? 'failed' : 'warning';
    return { outcome, subject, text, advice: 'Free space on the disk: without space nothing can be stored.' };
  } catch (error) {
    const advice = 'Run the server as the owner of the folder.';
    return { outcome: 'failed', subject, text: `${folder} cannot be used: ${errorText(error)}`, advice };
  }
}

/** Checks the database without changing it. A server may be running. */
export async function checkDatabase(read: () => Promise<DatabaseStatus | undefined>): Promise<Finding> {
  const subject = 'database';
  try {
    const status = await read();
    if (status === undefined) {
      return { outcome: 'skipped', subject, text: 'the database does not exist yet; the first start creates it' };
    }
    const { schemaVersion, supportedVersion, isReadable, description } = status;
    const text = `${description} has schema version ${schemaVersion}`;
    if (isReadable) return { outcome: 'ok', subject, text };
    const advice = `This version of Hearth supports up to ${supportedVersion}. Install a newer version, or restore a backup.`;
    return { outcome: 'failed', subject, text, advice };
  } catch (error) {
    const advice = 'Check database.url and data_dir, and the permissions of this user.';
    return { outcome: 'failed', subject, text: `the database cannot be read: ${errorText(error)}`, advice };
  }
}

/** Checks the validity of the certificate of a listener, a PEM text. */
export function checkListenerCertificate(address: string, pem: string, nowMs: number): Finding {
  return expiryFinding(
    `the certificate of the listener ${address}`,
    new X509Certificate(pem).validToDate.getTime(),
    nowMs,
  );
}
