import type { Timer } from '../../platform/clock.ts';
import type { Cancellation } from '../../platform/concurrency/cancellation.ts';

interface WokenRequests {
  readonly requests: Set<Cancellation>;
  readonly listeners: Set<() => void>;
}

/** The requests that were woken and are not answered yet, by user. */
export class Answering {
  readonly #users = new Map<number, WokenRequests>();

  /** Adds a request that has been woken. */
  begin(user: number, request: Cancellation): void {
    const entry = this.#users.get(user) ?? { requests: new Set(), listeners: new Set() };
    this.#users.set(user, entry);
    entry.requests.add(request);
    request.whenOver(() => this.end(user, request));
  }

  /** Removes a request that has been answered, or that waits again because there was nothing to answer. */
  end(user: number, request: Cancellation): void {
    const entry = this.#users.get(user);
    if (entry?.requests.delete(request) !== true || entry.requests.size > 0) return;
    this.#users.delete(user);
    for (const listener of entry.listeners) listener();
  }

  /**
   * Resolves when all of a user's requests are answered; returns undefined when there are none.
   * @param limit starts a timer that resolves the promise earlier
   */
  of(user: number, limit: (run: () => void) => Timer): Promise<void> | undefined {
    const entry = this.#users.get(user);
    if (entry === undefined) return undefined;
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        entry.listeners.delete(done);
        resolve();
      };
      const timer = limit(done);
      entry.listeners.add(done);
    });
  }
}
