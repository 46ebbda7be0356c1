/**
 * The end of a request that waits: it is cancelled when nobody needs its answer any more, and over when it is answered.
 * An AbortSignal does the same with an event target, which costs a twentieth of a delivery for each long poll.
 */
export class Cancellation {
  isCancelled = false;
  #listeners: (() => void)[] = [];
  #whenOver: (() => void) | undefined;

  /** Calls `listener` when the request has been answered, instead of the listener before. */
  whenOver(listener: () => void): void {
    this.#whenOver = listener;
  }

  /** The request has been answered, or nobody reads the answer. */
  end(): void {
    this.#whenOver?.();
    this.#whenOver = undefined;
  }

  /** Calls the listeners, the first time that it is called. */
  cancel(): void {
    this.isCancelled = true;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener();
  }

  /** Calls once, when it is cancelled from now on, and not after `off`. */
  on(listener: () => void): void {
    this.#listeners.push(listener);
  }

  off(listener: () => void): void {
    const index = this.#listeners.indexOf(listener);
    if (index !== -1) this.#listeners.splice(index, 1);
  }
}
