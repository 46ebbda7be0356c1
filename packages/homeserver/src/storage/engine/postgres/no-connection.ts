import { OperatorError } from '../../../platform/operator-error.ts';

/** PostgreSQL does not let us in. The message says why, and where the address stands; it has no password in it. */
export class NoConnection extends OperatorError {
  constructor(cause: unknown) {
    super(`no connection to PostgreSQL: ${reason(cause)}; the address is database.url or HEARTH_DATABASE_URL`);
  }
}

/** A name with several addresses fails once for each of them. */
function reason(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reason).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
