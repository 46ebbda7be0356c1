/** The maximum time that a request waits. Proxies usually allow less. */
const TIMEOUT_MS_MAX = 5 * 60_000;

/** Returns the time that a request waits for changes, in milliseconds. The default is 0; long values are reduced. */
export function pollTimeout(timeoutMs = 0): number {
  return Math.min(timeoutMs, TIMEOUT_MS_MAX);
}
