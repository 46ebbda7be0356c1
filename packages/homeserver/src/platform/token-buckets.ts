import { LruMap } from './caches/lru.ts';
import type { Clock } from './clock.ts';

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
export class TokenBuckets<K> {
  readonly #buckets: LruMap<K, Bucket>;
  readonly #clock: Clock;
  readonly #size: BucketSize;

  constructor(clock: Clock, size: BucketSize, keysMax = 50_000) {
    this.#clock = clock;
    this.#size = size;
    this.#buckets = new LruMap(keysMax);
  }

  /**
   * Takes `count` tokens. Returns 0, or how many milliseconds to wait when there are not enough. A count above `burst`
   * takes a full bucket.
   */
  take(key: K, count = 1): number {
    const { perSecond, burst } = this.#size;
    const nowMs = this.#clock.elapsed();
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { tokens: burst, atMs: nowMs };
      this.#buckets.set(key, bucket);
    } else {
      bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * perSecond);
      bucket.atMs = nowMs;
    }
    const needed = Math.min(count, burst);
    if (bucket.tokens < needed) return Math.ceil(((needed - bucket.tokens) / perSecond) * 1000);
    bucket.tokens -= needed;
    return 0;
  }

  /** Puts a token back that was taken for nothing. */
  giveBack(key: K): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.tokens = Math.min(this.#size.burst, bucket.tokens + 1);
  }
}
