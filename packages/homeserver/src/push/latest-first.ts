import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';

/** The loaded events of one room that were not returned yet, the latest last. */
interface Pile {
  readonly room: number;
  readonly events: StoredEvent[];
}

const READ_AT_ONCE = 20;

/** Iterates over the events of many rooms, the latest first. A room is read only when its events are next. */
export class LatestFirst {
  readonly #events: EventStore;
  readonly #timelines: TimelineStore;
  readonly #from: number;
  #piles: Pile[] = [];
  #reached = 0;

  /** @param from the position of the first event that may be returned */
  constructor(events: EventStore, timelines: TimelineStore, from: number) {
    this.#events = events;
    this.#timelines = timelines;
    this.#from = from;
  }

  /** The number of the last returned event. */
  get reached(): number {
    return this.#reached;
  }

  async open(rooms: readonly number[]): Promise<void> {
    const last = await this.#timelines.lastAt(rooms, this.#from);
    const events = await this.#events.load(last.values());
    this.#piles = [...last].flatMap(([room, num]) => {
      const event = events.get(num);
      return event === undefined ? [] : [{ room, events: [event] }];
    });
    this.#piles.sort((a, b) => top(a) - top(b));
  }

  /** Returns the next events. There are fewer than `count` only at the end. */
  async take(count: number): Promise<StoredEvent[]> {
    const taken: StoredEvent[] = [];
    while (taken.length < count) {
      const pile = this.#piles.pop();
      const event = pile?.events.pop();
      if (pile === undefined || event === undefined) break;
      taken.push(event);
      this.#reached = event.num;
      if (pile.events.length === 0) await this.#refill(pile, event);
      if (pile.events.length > 0) this.#insert(pile);
    }
    return taken;
  }

  async #refill(pile: Pile, { room, seq }: StoredEvent): Promise<void> {
    const nums = await this.#timelines.page({ room, after: 0, upTo: (seq ?? 1) - 1 }, true, READ_AT_ONCE);
    pile.events.push(...(await this.#events.list(nums)).reverse());
  }

  /** Inserts a pile in order. The pile with the next event is last. */
  #insert(pile: Pile): void {
    let low = 0;
    let high = this.#piles.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#piles[middle];
      if (other !== undefined && top(other) < top(pile)) low = middle + 1;
      else high = middle;
    }
    this.#piles.splice(low, 0, pile);
  }
}

function top({ events }: Pile): number {
  return events.at(-1)?.num ?? 0;
}
