import type { Limit, LimitClass } from '@hearth/api/endpoint.ts';
import { limitExceeded } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { type BucketSize, TokenBuckets } from '../platform/token-buckets.ts';

/** The budget of each class, for each user or server, or for each address without one. `false`: no limit. */
export type RateLimitSizes = Readonly<Record<LimitClass, BucketSize | false>>;

/** The subject of a rate limit: the number of a user, the name of a server, or an address. */
export type LimitKey = number | string;

/** Counts requests by class. */
export class RateLimits {
  readonly #buckets = new Map<LimitClass, TokenBuckets<LimitKey>>();

  constructor(clock: Clock, sizes: RateLimitSizes) {
    for (const [name, size] of Object.entries(sizes) as [LimitClass, BucketSize | false][]) {
      if (size !== false) this.#buckets.set(name, new TokenBuckets(clock, size));
    }
  }

  /** Counts a request. @throws MatrixError `M_LIMIT_EXCEEDED` when a budget of `who` is used up */
  take(limit: Limit, who: LimitKey): void {
    if (typeof limit === 'string') this.spend(limit, who, 1);
    else if (!('none' in limit)) for (const name of limit) this.spend(name, who, 1);
  }

  /** Counts several actions. @throws MatrixError `M_LIMIT_EXCEEDED` when the budget of `who` is used up */
  spend(name: LimitClass, who: LimitKey, count: number): void {
    const waitMs = this.#buckets.get(name)?.take(who, count) ?? 0;
    if (waitMs > 0) throw limitExceeded(waitMs);
  }

  /**
   * Counts an attempt. Returns a function that takes the count back, so that only some attempts use up the budget, such
   * as those that fail.
   * @throws MatrixError `M_LIMIT_EXCEEDED` when the budget of `who` is used up
   */
  attempt(name: LimitClass, who: LimitKey): () => void {
    this.spend(name, who, 1);
    return () => this.#buckets.get(name)?.giveBack(who);
  }
}
