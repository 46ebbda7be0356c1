import { type Clock, sleep } from '../platform/clock.ts';
import { Cancellation } from '../platform/concurrency/cancellation.ts';

/** Readers of media whose content is still to come. */
export class UploadWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<Cancellation>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the content has come, for so long at most, or until nobody waits any more. */
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

  /** Tells them that it has. */
  announce(mediaId: string): void {
    for (const reader of this.#waiting.get(mediaId) ?? []) reader.cancel();
  }
}
