import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { RoomRow, RoomStore } from '../storage/rooms/room-store.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import type { Retention } from './retention.ts';

interface RoomPoliciesParts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly retention: Retention;
}

/** The lifetimes of messages in many rooms, which are read without loading the heads of the rooms. */
export class RoomPolicies {
  readonly #parts: RoomPoliciesParts;

  constructor(parts: RoomPoliciesParts) {
    this.#parts = parts;
  }

  /** Returns the rooms with a limited lifetime of messages, with the time before which messages are deleted. */
  async limitedRooms(nums: readonly number[]): Promise<{ row: RoomRow; before: number }[]> {
    const { names, events, states, rooms, retention } = this.#parts;
    const rows = await rooms.load(nums);
    const key = { type: await names.num('m.room.retention'), stateKey: await names.num('') };
    const found = await states.lookupMany(
      rows.map(({ root }) => root),
      [key],
    );
    const policies = await events.load(found.flat().filter((num) => num !== undefined));
    return rows.flatMap((row, i) => {
      const before = retention.expiredBeforeBy(policies.get(found[i]?.[0] ?? 0));
      return before === undefined ? [] : [{ row, before }];
    });
  }
}
