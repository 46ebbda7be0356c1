import { remotePrevIds } from '../../storage/rooms/events/event-proof.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
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
    const proofs = await events.proofs(absent.map(({ num }) => num));
    // The numbers in a proof are those that were known when the event arrived. Events that came later have only an id.
    const ids = new Map(Array.from(proofs, ([num, proof]) => [num, remotePrevIds(proof, this.#head.version)]));
    const byId = await events.numsOf([...ids.values()].flat());
    const nums = (event: StoredEvent) => {
      const own = ids.get(event.num) ?? [];
      return own.length > 0 ? own.flatMap((id) => byId.get(id) ?? []) : (proofs.get(event.num)?.prev ?? []);
    };
    const loaded = await events.load(new Set(absent.flatMap(nums)));
    for (const event of absent) {
      const prev = nums(event).flatMap((num) => loaded.get(num) ?? []);
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
