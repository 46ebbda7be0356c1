import type { Clock } from '../clock.ts';
import { InFlight } from '../concurrency/in-flight.ts';
import { type ByteLimit, LruMap } from './lru.ts';

/** A value and the time for which it is valid, in milliseconds. */
export interface Loaded<V> {
  readonly value: V;
  readonly keptMs: number;
}

interface Entry<V> {
  readonly value: V;
  readonly untilMs: number;
}

/** Values that are valid for a time. Requests for the same missing or expired value share one load. */
export class ExpiringCache<V> {
  readonly #clock: Clock;
  readonly #entries: LruMap<string, Entry<V>>;
  readonly #inFlight = new InFlight<string, V>();

  constructor(clock: Clock, max: number, limit?: ByteLimit<V>) {
    this.#clock = clock;
    this.#entries = new LruMap(max, limit && { ...limit, bytesOf: ({ value }) => limit.bytesOf(value) });
  }

  /** Returns a value. `load` gets the expired value, if there is one. If it throws, the expired value stays. */
  async get(key: string, load: (expired: V | undefined) => Promise<Loaded<V>>): Promise<V> {
    const entry = this.#entries.get(key);
    if (entry !== undefined && this.#clock.elapsed() < entry.untilMs) return entry.value;
    return this.#inFlight.run(key, async () => {
      const { value, keptMs } = await load(entry?.value);
      this.#entries.set(key, { value, untilMs: this.#clock.elapsed() + keptMs });
      return value;
    });
  }
}
