import { LruMap } from './caches/lru.ts';
import type { Clock } from './clock.ts';

export interface BucketSize {
  /** The number of tokens that a bucket gains per second. */
  readonly perSecond: number;
  /** The capacity of a bucket: the number of tokens that may be taken at once. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * Token buckets by key, each with a capacity of `burst` tokens, refilled at `perSecond`. The number of keys is bounded.
 * A bucket that was evicted starts full again, which gains an attacker with many addresses nothing.
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
   * Takes `count` tokens. Returns 0, or the milliseconds to wait when there are not enough tokens. A count above
   * `burst` takes a full bucket.
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

  /** Returns a token that was taken without need. */
  giveBack(key: K): void {
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) bucket.tokens = Math.min(this.#size.burst, bucket.tokens + 1);
  }
}
