/** Proxies give up before. */
const TIMEOUT_MS_MAX = 5 * 60_000;

/** How long a request waits for news, in milliseconds: not at all unless it says so, and never long. */
export function pollTimeout(timeoutMs = 0): number {
  return Math.min(timeoutMs, TIMEOUT_MS_MAX);
}
