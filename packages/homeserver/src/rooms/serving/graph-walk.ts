import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import { prevNumsOf } from '../graph/prev-nums.ts';
import type { Head } from '../head.ts';

/** The stores that a walk reads. */
export interface GraphStores {
  readonly events: EventStore;
  readonly timelines: TimelineStore;
}

/** One walk through the graph of a room, from events to those that they follow. */
export class GraphWalk {
  readonly #stores: GraphStores;
  readonly #head: Head;
  readonly #prev = new Map<number, readonly StoredEvent[]>();

  constructor(stores: GraphStores, head: Head) {
    this.#stores = stores;
    this.#head = head;
  }

  /** Loads the last events of the timeline up to an event, because most events follow the one before them. */
  async prepare(starts: readonly StoredEvent[], limit: number): Promise<void> {
    const { events, timelines } = this.#stores;
    const places = starts.flatMap(({ seq }) => seq ?? []);
    if (places.length === 0) return;
    const range = { room: this.#head.num, after: Number.MIN_SAFE_INTEGER, upTo: Math.max(...places) };
    await this.load(await events.list(await timelines.page(range, true, limit)));
  }

  /** Loads the events that some events follow. */
  async load(all: readonly StoredEvent[]): Promise<void> {
    const { events } = this.#stores;
    const absent = all.filter(({ num }) => !this.#prev.has(num));
    if (absent.length === 0) return;
    const nums = absent.map(({ num }) => num);
    const followed = await prevNumsOf(events, nums, this.#head.version);
    const loaded = await events.load(new Set([...followed.values()].flat()));
    for (const event of absent) {
      const prev = (followed.get(event.num) ?? []).flatMap((num) => loaded.get(num) ?? []);
      this.#prev.set(
        event.num,
        prev.filter(({ room, standing }) => room === this.#head.num && standing !== STANDING.outlier),
      );
    }
  }

  /** Returns the events of the graph that an event follows. Events of other rooms and outliers are left out. */
  async before(event: StoredEvent): Promise<readonly StoredEvent[]> {
    await this.load([event]);
    return this.#prev.get(event.num) ?? [];
  }
}
