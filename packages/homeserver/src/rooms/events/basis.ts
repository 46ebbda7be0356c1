import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head, StateKeyPair } from '../head.ts';

/**
 * The state events on which a decision is based. If one of them is replaced before the decision is written, the caller
 * must decide again.
 */
export class Basis {
  /** The places of the room state that were read. */
  readonly keys: readonly StateKeyPair[];
  readonly #nums: readonly (number | undefined)[];
  readonly #also: () => boolean;

  /**
   * @param read the places that were read, each with the event that was found there
   * @param also a further condition, checked at the moment of the write
   */
  constructor(
    read: readonly (readonly [key: StateKeyPair, event: StoredEvent | undefined])[],
    also: () => boolean = () => true,
  ) {
    this.keys = read.map(([key]) => key);
    this.#nums = read.map(([, event]) => event?.num);
    this.#also = also;
  }

  /** Returns whether nothing that was read has changed. The places of `keys` must be in memory. */
  holds(head: Head): boolean {
    return this.#also() && this.keys.every(([type, key], i) => head.known(type, key)?.num === this.#nums[i]);
  }
}
