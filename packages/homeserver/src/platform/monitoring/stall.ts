import type { ServerResponse } from 'node:http';

/** Calls `run` when no byte of an answer has left for `stallMs`. Node ends this when the answer has left. */
export function onStall(response: ServerResponse, stallMs: number, run: () => void): void {
  response.setTimeout(stallMs, run);
}
