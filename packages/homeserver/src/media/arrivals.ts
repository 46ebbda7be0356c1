import { type Clock, sleep } from '../platform/clock.ts';

/** Readers of media whose content is still to come. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Set<AbortController>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits until the content has come, for so long at most, or until the signal aborts. */
  async wait(mediaId: string, waitMs: number, signal: AbortSignal): Promise<void> {
    const arrived = new AbortController();
    const readers = this.#waiting.get(mediaId) ?? new Set();
    this.#waiting.set(mediaId, readers.add(arrived));
    try {
      await sleep(this.#clock, waitMs, AbortSignal.any([arrived.signal, signal]));
    } finally {
      readers.delete(arrived);
      if (readers.size === 0 && this.#waiting.get(mediaId) === readers) this.#waiting.delete(mediaId);
    }
  }

  /** Tells them that it has. */
  announce(mediaId: string): void {
    for (const reader of this.#waiting.get(mediaId) ?? []) reader.abort();
  }
}
