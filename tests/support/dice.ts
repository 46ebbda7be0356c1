import type { Random } from '../../packages/homeserver/src/platform/random.ts';

/** A random number generator with a seed (mulberry32). The same seed gives the same numbers. */
export class Dice implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Returns a number of at least 0 and below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer of at least 0 and below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** Returns an integer between two bounds, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Returns a random element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    const item = this.maybe(list);
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** Returns a random element of a list; undefined for an empty list. */
  maybe<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  /** Returns a random key; each key is as likely as its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries<number>(weights);
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of entries) {
      rest -= weight;
      // The keys of a record have the declared type.
      if (rest < 0) return key as K;
    }
    return this.pick(entries)[0] as K;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Returns a seed for another generator, whose numbers then do not depend on this one. */
  seed(): number {
    return this.below(2 ** 32);
  }
}
