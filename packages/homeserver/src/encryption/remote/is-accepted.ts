import { MatrixError } from '@hearth/protocol/errors.ts';

/** Returns whether a check of a key throws no MatrixError. */
export function isAccepted(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (error instanceof MatrixError) return false;
    throw error;
  }
}
