import { OperatorError } from '../../../platform/operator-error.ts';

/** The advice for results of SQLite (https://www.sqlite.org/rescode.html) that Hearth does not cause. */
const REMEDIES: ReadonlyMap<unknown, string> = new Map([
  [8, 'give the user that runs the server write permission there'], // SQLITE_READONLY
  [10, 'check the disk for errors'], // SQLITE_IOERR
  [11, 'restore a backup'], // SQLITE_CORRUPT
  [13, 'free space on the disk'], // SQLITE_FULL
  [14, 'give the user that runs the server write permission there'], // SQLITE_CANTOPEN
  [26, 'move the file away, or choose another data_dir'], // SQLITE_NOTADB
]);

const CANTOPEN = 14;

/**
 * Returns an OperatorError with advice if the error means that a file or folder cannot be used. Other errors are
 * returned unchanged.
 */
export function unusable(path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The upper bits of SQLite's result contain details.
  const result = 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  const isDenied = 'code' in error && error.code === 'EACCES';
  const remedy =
    result === undefined && 'syscall' in error && !isDenied
      ? 'choose another data_dir'
      : REMEDIES.get(isDenied ? CANTOPEN : result);
  return remedy === undefined ? error : new OperatorError(`${path} cannot be used: ${error.message}; ${remedy}`);
}
