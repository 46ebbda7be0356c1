import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { backOffMs } from '../../platform/back-off.ts';
import { ExpiringCache, type Loaded } from '../../platform/caches/expiring-cache.ts';
import { type Clock, DAY_MS } from '../../platform/clock.ts';
import type { FetchDelegation } from './well-known.ts';

interface Known {
  readonly delegatedTo: ServerName | undefined;
  /** The time after which `delegatedTo` is not used any more, even if every fetch fails. */
  readonly discardMs: number;
  readonly failures: number;
}

const HOSTS_MAX = 10_000;
/** The specification forbids the use of an answer for more than 48 hours. */
const KEPT_MS_MAX = 2 * DAY_MS;
const FAILURE_MS_MIN = 60_000;
/** Failures are cached for at most an hour. */
const FAILURE_MS_MAX = 60 * 60_000;

/**
 * The delegations of host names with their cache. A failure does not replace an earlier answer until that answer is 48
 * hours old. Repeated failures are cached for longer.
 */
export class Delegations {
  readonly #known: ExpiringCache<Known>;
  readonly #fetch: FetchDelegation;
  readonly #clock: Clock;

  constructor(fetch: FetchDelegation, clock: Clock) {
    this.#known = new ExpiringCache(clock, HOSTS_MAX);
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Returns the name to which a host name delegates; undefined if it does not delegate. */
  async of(host: string): Promise<ServerName | undefined> {
    const { delegatedTo } = await this.#known.get(host, (expired) => this.#refresh(host, expired));
    return delegatedTo;
  }

  async #refresh(host: string, expired: Known | undefined): Promise<Loaded<Known>> {
    try {
      const { delegatedTo, lifetimeMs } = await this.#fetch(host);
      const discardMs = this.#clock.elapsed() + KEPT_MS_MAX;
      return { value: { delegatedTo, discardMs, failures: 0 }, keptMs: lifetimeMs };
    } catch {
      return this.#afterFailure(expired);
    }
  }

  #afterFailure(expired: Known | undefined): Loaded<Known> {
    const now = this.#clock.elapsed();
    const failures = (expired?.failures ?? 0) + 1;
    const keptMs = backOffMs(failures, FAILURE_MS_MIN, FAILURE_MS_MAX);
    if (expired !== undefined && now < expired.discardMs)
      return { value: { ...expired, failures }, keptMs: Math.min(keptMs, expired.discardMs - now) };
    return { value: { delegatedTo: undefined, discardMs: expired?.discardMs ?? now, failures }, keptMs };
  }
}
