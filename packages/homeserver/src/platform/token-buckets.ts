import type { Clock } from './clock.ts';
import { LruMap } from './lru.ts';

export interface BucketSize {
  /** How fast a bucket fills again. */
  readonly perSecond: number;
  /** How much it holds: what may be taken at once after a rest. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * Buckets by key, each holding `burst` tokens and filling at `perSecond`. Only so many keys are remembered: one that
 * is forgotten starts full again, which costs an attacker with many addresses what it gains.
 */
export class TokenBuckets {
  readonly #buckets: LruMap<string, Bucket>;
  readonly #clock: Clock;
  readonly #size: BucketSize;

  constructor(clock: Clock, size: BucketSize, keysMax = 50_000) {
    this.#clock = clock;
    this.#size = size;
    this.#buckets = new LruMap(keysMax);
  }

  /**
   * Takes tokens: one, unless an amount is given. Returns 0, or how many milliseconds to wait when there are not enough.
   * An amount above the burst takes a full bucket.
   */
  take(key: string, amount = 1): number {
    const { perSecond, burst } = this.#size;
    const nowMs = this.#clock.elapsed();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
    bucket.atMs = nowMs;
    this.#buckets.set(key, bucket);
    const taken = Math.min(amount, burst);
    if (bucket.tokens < taken) return Math.ceil(((taken - bucket.tokens) / perSecond) * 1000);
    bucket.tokens -= taken;
    return 0;
  }
}
