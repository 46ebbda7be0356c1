import type { LimitClass } from '@hearth/api/endpoint.ts';
import { limitExceeded } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { type BucketSize, TokenBuckets } from '../platform/token-buckets.ts';

/** The budget of each class, for each user or, where nobody is logged in, each address; `false`: no limit. */
export type RateLimitSizes = Readonly<Record<LimitClass, BucketSize | false>>;

/** Counts requests by class. */
export class RateLimits {
  readonly #buckets = new Map<LimitClass, TokenBuckets>();

  constructor(clock: Clock, sizes: RateLimitSizes) {
    for (const [name, size] of Object.entries(sizes) as [LimitClass, BucketSize | false][]) {
      if (size !== false) this.#buckets.set(name, new TokenBuckets(clock, size));
    }
  }

  /** @throws MatrixError `M_LIMIT_EXCEEDED` when the budget of `who` is used up */
  take(limit: LimitClass, who: string): void {
    const waitMs = this.#buckets.get(limit)?.take(who) ?? 0;
    if (waitMs > 0) throw limitExceeded(waitMs);
  }
}
