import { LruMap } from '../../platform/caches/lru.ts';
import { NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';

const ROOMS_MAX = 100_000;
const LEAVINGS_MAX = 50_000;

/**
 * The latest activity in rooms, and whether users were removed from rooms. Values are cached for the rooms that are
 * looked up.
 */
export class RoomActivity {
  readonly #rooms: RoomStore;
  readonly #events: EventStore;
  readonly #last = new LruMap<number, number>(ROOMS_MAX);
  /** The rooms whose latest events are being read. */
  readonly #reading = new Set<number>();
  readonly #wasThere = new LruMap<number, boolean>(LEAVINGS_MAX);

  constructor(parts: { readonly rooms: RoomStore; readonly events: EventStore; readonly stream: Stream }) {
    this.#rooms = parts.rooms;
    this.#events = parts.events;
    parts.stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind !== 'event') continue;
        const isUsed = this.#last.get(change.room) !== undefined || this.#reading.has(change.room);
        if (isUsed) this.#last.set(change.room, change.event);
      }
    });
  }

  /** The number of each room's latest event; 0 for a room without events. */
  readonly lastEventSource: Source<number, number> = {
    peek: (room) => this.#last.get(room) ?? NOT_LOADED,
    load: async (rooms) => {
      const found = await this.#lastEvents(rooms);
      return (room) => found.get(room) ?? 0;
    },
  };

  /** Whether each event ended the membership of a user and was sent by another user. */
  readonly removalSource: Source<number, boolean> = {
    peek: (leaving) => this.#wasThere.get(leaving) ?? NOT_LOADED,
    load: async (leavings) => {
      const found = await this.#removals(leavings);
      return (leaving) => found.get(leaving) === true;
    },
  };

  async #lastEvents(rooms: readonly number[]): Promise<ReadonlyMap<number, number>> {
    for (const room of rooms) this.#reading.add(room);
    const found = await this.#rooms.lastEvents(rooms).finally(() => {
      for (const room of rooms) this.#reading.delete(room);
    });
    const last = new Map<number, number>();
    for (const room of rooms) {
      const loaded = found.get(room);
      // Changes that were announced during the query are later than its result.
      if (loaded !== undefined && (this.#last.get(room) ?? 0) < loaded) this.#last.set(room, loaded);
      last.set(room, this.#last.get(room) ?? loaded ?? 0);
    }
    return last;
  }

  async #removals(nums: readonly number[]): Promise<ReadonlyMap<number, boolean>> {
    const events = await this.#events.list(nums);
    const replaced = await this.#events.load(events.flatMap(({ replaces }) => replaces ?? []));
    const removals = new Map<number, boolean>();
    for (const event of events) {
      const before = event.replaces === null ? undefined : replaced.get(event.replaces);
      const isRemoval = event.senderNum !== event.stateKeyNum && before?.content.membership === 'join';
      this.#wasThere.set(event.num, isRemoval);
      removals.set(event.num, isRemoval);
    }
    return removals;
  }
}
