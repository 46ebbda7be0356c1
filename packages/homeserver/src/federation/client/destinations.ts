import { backOffMs } from '../../platform/back-off.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import { between, type Random } from '../../platform/random.ts';

/** The limits of the time between attempts to reach a server that does not answer. Milliseconds. */
export interface BackOffSettings {
  readonly minMs: number;
  readonly maxMs: number;
}

interface Failing {
  readonly failures: number;
  readonly firstAtMs: number;
  readonly failedAtMs: number;
  readonly retryAtMs: number;
}

/** A server that does not answer. */
export interface FailingServer {
  /** The time of the first failure since the last sign of life, in milliseconds since 1970. */
  readonly sinceTs: number;
  /** The time of the last failure. */
  readonly lastTs: number;
  /** The time from the last failure to the next attempt, in milliseconds. */
  readonly intervalMs: number;
}

const SERVERS_MAX = 50_000;
/** After a start, servers that did not answer before are tried during this many shortest waits. */
const RESTORED_SPREAD = 12;

/**
 * The servers that do not answer, and when each is tried again. The time between attempts doubles with each failure and
 * has a random part, so that many servers do not try at the same moment. Any sign of life ends it.
 */
export class Destinations {
  readonly #failing = new LruMap<string, Failing>(SERVERS_MAX);
  readonly #listeners: ((server: string) => void)[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #settings: BackOffSettings;
  readonly #log: Pick<Log, 'debug'>;

  constructor(clock: Clock, random: Random, settings: BackOffSettings, log: Pick<Log, 'debug'>) {
    this.#clock = clock;
    this.#random = random;
    this.#settings = settings;
    this.#log = log;
  }

  /** Returns how long to wait before the next attempt; 0 if the server may be tried now. Milliseconds. */
  waitMs(server: string): number {
    return Math.max(0, (this.#failing.get(server)?.retryAtMs ?? 0) - this.#clock.elapsed());
  }

  /** Returns whether a server has not answered since its last sign of life. */
  isFailing(server: string): boolean {
    return this.#failing.get(server) !== undefined;
  }

  /** Returns for how long a server has not answered; 0 if it has answered the last time. Milliseconds. */
  failingForMs(server: string): number {
    const failing = this.#failing.get(server);
    return failing === undefined ? 0 : this.#clock.elapsed() - failing.firstAtMs;
  }

  /** Returns since when a server does not answer; undefined if it has answered the last time. */
  failing(server: string): FailingServer | undefined {
    const failing = this.#failing.get(server);
    if (failing === undefined) return undefined;
    const { firstAtMs, failedAtMs, retryAtMs } = failing;
    const beganTs = this.#clock.now() - this.#clock.elapsed();
    return {
      sinceTs: Math.round(beganTs + firstAtMs),
      lastTs: Math.round(beganTs + failedAtMs),
      intervalMs: Math.round(retryAtMs - failedAtMs),
    };
  }

  /**
   * Notes that a server did not answer before the process was started. It is tried soon, but not at the same time as
   * all others.
   */
  restore(server: string, sinceTs: number): void {
    if (this.#failing.get(server) !== undefined) return;
    const now = this.#clock.elapsed();
    const firstAtMs = now - Math.max(0, this.#clock.now() - sinceTs);
    const { minMs, maxMs } = this.#settings;
    const retryAtMs = now + Math.min(RESTORED_SPREAD * minMs, maxMs) * between(this.#random, 0, 1);
    this.#failing.set(server, { failures: 1, firstAtMs, failedAtMs: now, retryAtMs });
  }

  /** Ends the wait for a server without a sign of life, so that it is tried now. Returns whether there was one. */
  reset(server: string): boolean {
    const wasWaiting = this.waitMs(server) > 0;
    this.alive(server);
    return wasWaiting;
  }

  /**
   * Notes that a server has not answered. Requests that began before the last failure count together with it, so that
   * many requests at the same time are one failure.
   */
  failed(server: string, begunAtMs: number, reason: string): void {
    const before = this.#failing.get(server);
    if (before !== undefined && begunAtMs <= before.failedAtMs) return;
    const now = this.#clock.elapsed();
    const failures = (before?.failures ?? 0) + 1;
    const longestMs = backOffMs(failures, this.#settings.minMs, this.#settings.maxMs);
    const waitMs = longestMs * between(this.#random, 0.5, 1);
    const firstAtMs = before?.firstAtMs ?? now;
    this.#failing.set(server, { failures, firstAtMs, failedAtMs: now, retryAtMs: now + waitMs });
    this.#log.debug('another server does not answer', { server, failures, reason, waitMs: Math.round(waitMs) });
  }

  /** Notes a sign of life: an answer or an authenticated request. */
  alive(server: string): void {
    if (this.#failing.get(server) === undefined) return;
    this.#failing.delete(server);
    for (const listener of this.#listeners) listener(server);
  }

  /** Calls `listener` with each server that gives a sign of life after it did not answer. */
  onAlive(listener: (server: string) => void): void {
    this.#listeners.push(listener);
  }
}
