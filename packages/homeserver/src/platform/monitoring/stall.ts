import type { ServerResponse } from 'node:http';

/**
 * Calls `run` when no byte of an answer has been sent for `stallMs`. Node stops the timer when the answer has been
 * sent.
 */
export function onStall(response: ServerResponse, stallMs: number, run: () => void): void {
  response.setTimeout(stallMs, run);
}
