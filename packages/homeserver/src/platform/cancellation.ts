/**
 * Tells those who wait for something that nobody needs it any more. What an AbortSignal says, without its event target:
 * every long poll makes one, and that made a twentieth of a delivery.
 */
export class Cancellation {
  isCancelled = false;
  #listeners: (() => void)[] = [];

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
