/**
 * The end of a waiting request. The request is cancelled when its answer is no longer needed, and over when it is
 * answered. An AbortSignal would need an event target, which costs 5 % of a delivery for each long poll.
 */
export class Cancellation {
  isCancelled = false;
  #listeners: (() => void)[] = [];
  #whenOver: (() => void) | undefined;

  /** Calls `listener` when the request has been answered, and replaces the previous listener. */
  whenOver(listener: () => void): void {
    this.#whenOver = listener;
  }

  /** Marks the request as answered or abandoned. */
  end(): void {
    this.#whenOver?.();
    this.#whenOver = undefined;
  }

  /** Cancels the request. The first call calls the listeners. */
  cancel(): void {
    this.isCancelled = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Adds a listener that is called once on a later cancellation, unless `off` removes it. */
  on(listener: () => void): void {
    this.#listeners.push(listener);
  }

  off(listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index !== -1) this.#listeners.splice(index, 1);
  }
}
