import { OperatorError } from '../../../platform/operator-error.ts';

/**
 * The error for a connection that PostgreSQL refuses. The message has the reason and the configuration key, but no
 * password.
 */
export class NoConnection extends OperatorError {
  constructor(cause: unknown) {
    super(`cannot connect to PostgreSQL: ${reason(cause)}; check database.url or HEARTH_DATABASE_URL`);
  }
}

/** Returns the reasons of a failed connection, one for each address of the host name. */
function reason(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reason).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
