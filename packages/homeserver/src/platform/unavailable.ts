/** How soon a client may try again. */
const RETRY_AFTER_MS = 5_000;

/**
 * A service that the server depends on, such as its database, cannot be reached at the moment. Requests that need it are
 * answered with 503, and background jobs try again later.
 */
export class Unavailable extends Error {
  readonly retryAfterMs = RETRY_AFTER_MS;
  /** For a transaction that was being committed: settles with whether it is stored, as soon as that is known. */
  readonly landed: Promise<boolean> | undefined;

  constructor(message: string, landed?: Promise<boolean>) {
    super(message);
    this.landed = landed;
  }
}
