import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import { type Clock, DAY_MS } from '../../platform/clock.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import type { FetchDelegation } from './well-known.ts';

interface Known {
  readonly delegatedTo: ServerName | undefined;
  /** The time until which nothing is fetched. */
  readonly untilMs: number;
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
  readonly #known = new LruMap<string, Known>(HOSTS_MAX);
  readonly #inFlight = new InFlight<string, ServerName | undefined>();
  readonly #fetch: FetchDelegation;
  readonly #clock: Clock;

  constructor(fetch: FetchDelegation, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
  }

  /** Returns the name to which a host name delegates; undefined if it does not delegate. */
  async of(host: string): Promise<ServerName | undefined> {
    const known = this.#known.get(host);
    if (known !== undefined && this.#clock.elapsed() < known.untilMs) return known.delegatedTo;
    return this.#inFlight.run(host, () => this.#refresh(host));
  }

  async #refresh(host: string): Promise<ServerName | undefined> {
    let next: Known;
    try {
      const { delegatedTo, lifetimeMs } = await this.#fetch(host);
      const now = this.#clock.elapsed();
      next = { delegatedTo, untilMs: now + lifetimeMs, discardMs: now + KEPT_MS_MAX, failures: 0 };
    } catch {
      next = this.#afterFailure(this.#known.get(host));
    }
    this.#known.set(host, next);
    return next.delegatedTo;
  }

  #afterFailure(known: Known | undefined): Known {
    const now = this.#clock.elapsed();
    const failures = (known?.failures ?? 0) + 1;
    const untilMs = now + Math.min(FAILURE_MS_MIN * 2 ** (failures - 1), FAILURE_MS_MAX);
    const isUsable = known !== undefined && now < known.discardMs;
    return {
      delegatedTo: isUsable ? known.delegatedTo : undefined,
      untilMs: isUsable ? Math.min(untilMs, known.discardMs) : untilMs,
      discardMs: known?.discardMs ?? now,
      failures,
    };
  }
}
