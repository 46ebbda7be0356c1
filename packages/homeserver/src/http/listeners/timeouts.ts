/** The time limits for clients, in milliseconds unless a member states another unit. */
export interface Timeouts {
  /** The time for the head of a request, and for the TLS handshake before it. */
  readonly headMs: number;
  /** The time for a whole request, including uploads. */
  readonly requestMs: number;
  /** The time that a connection may be idle between requests. */
  readonly keepAliveMs: number;
  /** The interval of checks of the limits above. */
  readonly checkEveryMs: number;
  /** The time for a body that is JSON or whose sender is not authenticated. */
  readonly bodyMs: number;
  /** The time for the rest of a refused body. */
  readonly discardMs: number;
  /** The period in which `uploadBytesMin` of an upload must arrive. */
  readonly uploadPeriodMs: number;
  /** The minimum number of bytes of an upload in a period. */
  readonly uploadBytesMin: number;
  /**
   * The time for a client to read an answer, in addition to the time that its length takes at `writeBytesPerSecond`.
   */
  readonly writeMs: number;
  /** The minimum speed at which a client must read, in bytes per second. */
  readonly writeBytesPerSecond: number;
}

export const TIMEOUTS: Timeouts = {
  headMs: 30_000,
  requestMs: 20 * 60_000,
  // The value is longer than that of reverse proxies, so that the proxy closes first; otherwise requests are lost.
  keepAliveMs: 75_000,
  checkEveryMs: 10_000,
  bodyMs: 60_000,
  discardMs: 10_000,
  uploadPeriodMs: 30_000,
  uploadBytesMin: 32 * 1024,
  writeMs: 30_000,
  writeBytesPerSecond: 4 * 1024,
};
