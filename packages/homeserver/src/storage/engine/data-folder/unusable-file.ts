import { OperatorError } from '../../../platform/operator-error.ts';

/** The advice for results of SQLite (https://www.sqlite.org/rescode.html) that are no fault of Hearth. */
const REMEDIES: ReadonlyMap<unknown, string> = new Map([
  [8, 'give the user that runs the server the right to write there'], // SQLITE_READONLY
  [10, 'look whether the disk is in order'], // SQLITE_IOERR
  [11, 'restore a backup'], // SQLITE_CORRUPT
  [13, 'make room on the disk'], // SQLITE_FULL
  [14, 'give the user that runs the server the right to write there'], // SQLITE_CANTOPEN
  [26, 'move the file away, or choose another data_dir'], // SQLITE_NOTADB
]);

const CANTOPEN = 14;

/** Says of a folder or a file of the data folder that it cannot be used, and what to do; other errors stay as they are. */
export function unusable(path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The upper bits of SQLite's result have details.
  const result = 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
  const isDenied = 'code' in error && error.code === 'EACCES';
  const remedy =
    result === undefined && 'syscall' in error && !isDenied
      ? 'choose another data_dir'
      : REMEDIES.get(isDenied ? CANTOPEN : result);
  return remedy === undefined ? error : new OperatorError(`${path} cannot be used: ${error.message}; ${remedy}`);
}
