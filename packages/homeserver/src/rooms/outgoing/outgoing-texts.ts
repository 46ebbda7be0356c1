import { canonicalJson } from '@hearth/protocol/json/canonical.ts';
import { cacheBytes, textBytes } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { Unavailable } from '../../platform/unavailable.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { type PduDeps, pdusOf } from '../events/pdu.ts';
import type { Heads } from '../heads.ts';

interface CachedPdu {
  /** The event as it was rendered. A redaction replaces it. */
  readonly event: StoredEvent;
  readonly text: string;
}

const CACHED_MAX = 5_000;
const CACHED_MIB = 16;
/** Events of old room versions may contain numbers that canonical JSON does not permit. */
const NUMBERS = 'any';

/**
 * The PDUs of events as canonical JSON. An event that many servers get is rendered once, also if they get it at the same
 * time.
 */
export class OutgoingTexts {
  readonly #deps: PduDeps;
  readonly #heads: Heads;
  readonly #background: Background;
  readonly #cache = new LruMap<number, CachedPdu>(CACHED_MAX, {
    bytesMax: cacheBytes(CACHED_MIB),
    bytesOf: ({ text }) => 100 + textBytes(text),
  });
  readonly #running = new Map<number, Promise<ReadonlyMap<number, string>>>();

  constructor(deps: PduDeps, heads: Heads, background: Background) {
    this.#deps = deps;
    this.#heads = heads;
    this.#background = background;
  }

  /** Returns the PDUs of events by number. Events that do not exist or cannot be rendered are missing. */
  async of(nums: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const events = await this.#deps.events.list(nums);
    const texts = new Map<number, string>();
    const absent: StoredEvent[] = [];
    const running = new Set<Promise<ReadonlyMap<number, string>>>();
    for (const event of events) {
      const cached = this.#cache.get(event.num);
      const pending = this.#running.get(event.num);
      if (cached?.event === event) texts.set(event.num, cached.text);
      else if (pending === undefined) absent.push(event);
      else running.add(pending);
    }
    if (absent.length > 0) running.add(this.#start(absent));
    const wanted = new Set(nums);
    for (const found of await Promise.all(running))
      for (const [num, text] of found) if (wanted.has(num)) texts.set(num, text);
    return texts;
  }

  #start(events: readonly StoredEvent[]): Promise<ReadonlyMap<number, string>> {
    const rendering = this.#render(events).finally(() => {
      for (const { num } of events) this.#running.delete(num);
    });
    for (const { num } of events) this.#running.set(num, rendering);
    return rendering;
  }

  async #render(events: readonly StoredEvent[]): Promise<ReadonlyMap<number, string>> {
    const texts = new Map<number, string>();
    for (const [room, ofRoom] of Map.groupBy(events, (event) => event.room)) {
      const head = await this.#heads.byNum(room);
      if (head === undefined) continue;
      const render = async (some: readonly StoredEvent[]) => {
        const pdus = await pdusOf(this.#deps, head.version, some);
        return pdus.map((pdu) => canonicalJson(pdu, NUMBERS));
      };
      for (const [event, text] of await this.#each(ofRoom, render)) {
        texts.set(event.num, text);
        this.#cache.set(event.num, { event, text });
      }
    }
    return texts;
  }

  /** Renders events together, or one by one without those that cannot be rendered. */
  async #each(
    events: readonly StoredEvent[],
    render: (some: readonly StoredEvent[]) => Promise<readonly string[]>,
  ): Promise<(readonly [StoredEvent, string])[]> {
    try {
      const rendered = await render(events);
      return events.flatMap((event, i) => {
        const one = rendered[i];
        return one === undefined ? [] : [[event, one] as const];
      });
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      const [first] = events;
      if (first === undefined) return [];
      if (events.length === 1) {
        this.#background.setAside('sending to other servers', { event: first.num }, error);
        return [];
      }
      const singly = await Promise.all(events.map((event) => this.#each([event], render)));
      return singly.flat();
    }
  }
}
