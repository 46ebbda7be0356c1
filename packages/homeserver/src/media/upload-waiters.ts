import { type Clock, sleep } from '../platform/clock.ts';
import { Cancellation } from '../platform/concurrency/cancellation.ts';

/** Requests that wait for the content of media. */
export class UploadWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Cancellation>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the content is uploaded, the time is over or the request is cancelled. */
  async wait(mediaId: string, waitMs: number, cancellation: Cancellation): Promise<void> {
    if (cancellation.isCancelled) return;
    const arrived = new Cancellation();
    const leave = () => arrived.cancel();
    cancellation.on(leave);
    const readers = this.#waiting.get(mediaId) ?? new Set();
    this.#waiting.set(mediaId, readers.add(arrived));
    try {
      await sleep(this.#clock, waitMs, arrived);
    } finally {
      cancellation.off(leave);
      readers.delete(arrived);
      if (readers.size === 0 && this.#waiting.get(mediaId) === readers) this.#waiting.delete(mediaId);
    }
  }

  /** Wakes the requests that wait for an uploaded content. */
  announce(mediaId: string): void {
    for (const reader of this.#waiting.get(mediaId) ?? []) reader.cancel();
  }
}
