import { LruMap } from '../../platform/caches/lru.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';

const ROOMS_MAX = 100_000;
const LEAVINGS_MAX = 50_000;

/** When rooms were last active, and how users came to be outside them; in memory for the rooms that are asked about. */
export class RoomActivity {
  readonly #rooms: RoomStore;
  readonly #events: EventStore;
  readonly #last = new LruMap<number, number>(ROOMS_MAX);
  readonly #wasThere = new LruMap<number, boolean>(LEAVINGS_MAX);

  constructor(parts: { readonly rooms: RoomStore; readonly events: EventStore; readonly stream: Stream }) {
    this.#rooms = parts.rooms;
    this.#events = parts.events;
    parts.stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind === 'event' && this.#last.get(change.room) !== undefined) {
          this.#last.set(change.room, change.event);
        }
      }
    });
  }

  /** The number of each room's latest event, with at most one query. */
  async lastEvents(rooms: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const missing = rooms.filter((room) => this.#last.get(room) === undefined);
    const found = missing.length === 0 ? undefined : await this.#rooms.lastEvents(missing);
    const last = new Map<number, number>();
    for (const room of rooms) {
      const loaded = found?.get(room);
      // Changes that were announced while the query ran are later than its answer.
      if (loaded !== undefined && (this.#last.get(room) ?? 0) < loaded) this.#last.set(room, loaded);
      last.set(room, this.#last.get(room) ?? loaded ?? 0);
    }
    return last;
  }

  /** For each event by which somebody is outside a room: whether another sent it and ended a membership by it. */
  async removals(leavings: readonly number[]): Promise<ReadonlySet<number>> {
    const missing = leavings.filter((num) => this.#wasThere.get(num) === undefined);
    if (missing.length > 0) await this.#judge(missing);
    return new Set(leavings.filter((num) => this.#wasThere.get(num) === true));
  }

  async #judge(nums: readonly number[]): Promise<void> {
    const events = await this.#events.list(nums);
    const replaced = await this.#events.load(events.flatMap(({ replaces }) => replaces ?? []));
    for (const event of events) {
      const before = event.replaces === null ? undefined : replaced.get(event.replaces);
      this.#wasThere.set(event.num, event.senderNum !== event.stateKeyNum && before?.content.membership === 'join');
    }
  }
}
