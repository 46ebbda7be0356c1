import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { StateStore } from '../storage/state/state-store.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
}

/** Finds the member events of senders (client-server API, "Lazy-loading room members"). */
export class LazySenders {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the member events of the senders of some events of one room, as of the state before the latest of them. */
  async of(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const latest = events.reduce<StoredEvent | undefined>(
      (a, b) => (a === undefined || b.num > a.num ? b : a),
      undefined,
    );
    if (latest === undefined) return [];
    const { names, states } = this.#parts;
    const member = await names.num('m.room.member');
    const keys = [...new Set(events.map(({ senderNum }) => senderNum))].map((stateKey) => ({ type: member, stateKey }));
    const roots = await states.snapshots([latest.snapshot]);
    const [nums = []] = await states.lookupMany([...roots.values()], keys);
    return this.#parts.events.list(nums.filter((num) => num !== undefined));
  }
}
