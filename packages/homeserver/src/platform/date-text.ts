/** Returns the UTC date of a timestamp in milliseconds, such as `2026-11-30`, for people. */
export function dateText(timestampMs: number): string {
  return new Date(timestampMs).toISOString().slice(0, 10);
}
