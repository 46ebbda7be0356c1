/** The time after which a client may try again. */
const RETRY_AFTER_MS = 5_000;

/**
 * The error for a service that cannot be reached at the moment, such as the database. Requests that need it are
 * answered with 503, and background jobs try again later.
 */
export class Unavailable extends Error {
  readonly retryAfterMs = RETRY_AFTER_MS;
  /** Resolves to whether a transaction in progress was stored; absent for other errors. */
  readonly outcome: Promise<boolean> | undefined;

  constructor(message: string, outcome?: Promise<boolean>) {
    super(message);
    this.outcome = outcome;
  }
}
