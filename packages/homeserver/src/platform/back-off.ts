/** Returns the time until the next attempt, which doubles with each failure up to a maximum. Milliseconds. */
export function backOffMs(failures: number, minMs: number, maxMs: number): number {
  return Math.min(minMs * 2 ** (failures - 1), maxMs);
}
