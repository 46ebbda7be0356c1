/** How long clients may take. All members in milliseconds unless they say otherwise. */
export interface Timeouts {
  /** Until the head of a request has arrived; before it, until a TLS handshake is complete. */
  readonly headMs: number;
  /** Until a whole request has arrived, uploads included. */
  readonly requestMs: number;
  /** How long a connection may be idle between requests. */
  readonly keepAliveMs: number;
  /** How often the limits above are checked. */
  readonly checkEveryMs: number;
  /** Until a body has arrived that is JSON, or whose sender is not authenticated. */
  readonly bodyMs: number;
  /** Until the rest of a body has arrived that the server does not want. */
  readonly discardMs: number;
  /** A period in which an upload must bring `uploadBytesMin`. */
  readonly uploadPeriodMs: number;
  /** Bytes. */
  readonly uploadBytesMin: number;
  /** How long an answer may wait for its reader, beyond the time that `writeBytesPerSecond` gives for its length. */
  readonly writeMs: number;
  /** The slowest reader that is waited for. */
  readonly writeBytesPerSecond: number;
}

export const TIMEOUTS: Timeouts = {
  headMs: 30_000,
  requestMs: 20 * 60_000,
  // Longer than reverse proxies keep theirs, so that the proxy closes first; otherwise requests are lost.
  keepAliveMs: 75_000,
  checkEveryMs: 10_000,
  bodyMs: 60_000,
  discardMs: 10_000,
  uploadPeriodMs: 30_000,
  uploadBytesMin: 32 * 1024,
  writeMs: 30_000,
  writeBytesPerSecond: 4 * 1024,
};
