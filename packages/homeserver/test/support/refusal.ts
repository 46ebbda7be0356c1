import { MatrixError } from '@hearth/protocol/errors.ts';

/** The error code with which something is refused. */
export function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no refusal',
    (error: unknown) => (error instanceof MatrixError ? error.errcode : String(error)),
  );
}
