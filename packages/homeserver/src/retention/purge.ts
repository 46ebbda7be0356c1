import { redactContent } from '@hearth/protocol/events/redact.ts';
import { roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Database } from '../storage/engine/database.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import { RetentionStore } from '../storage/rooms/events/retention-store.ts';
import type { RoomRow } from '../storage/rooms/room-store.ts';
import type { MessageIndex } from '../storage/search/message-index.ts';
import type { RoomPolicies } from './room-policies.ts';

interface PurgeParts {
  readonly database: Database;
  readonly events: EventStore;
  readonly policies: RoomPolicies;
  readonly messageIndex: MessageIndex;
  readonly background: Background;
}

const ROOMS_AT_ONCE = 100;
const EVENTS_AT_ONCE = 500;

/** The deletion of messages that are older than the lifetime of their room. */
export class Purge {
  readonly #parts: PurgeParts;
  readonly #store: RetentionStore;

  constructor(parts: PurgeParts) {
    this.#parts = parts;
    this.#store = new RetentionStore(parts.database);
  }

  /** Deletes old messages in all rooms. */
  async run(): Promise<void> {
    const { database, policies, background } = this.#parts;
    let after = 0;
    for (;;) {
      const nums = await this.#store.rooms(after, ROOMS_AT_ONCE);
      for (const { row, before } of await policies.limitedRooms(nums)) {
        const failure = await failureOfRow(database, () => this.#purgeRoom(row, before));
        if (failure !== undefined) background.setAside('retention', { room: row.num }, failure);
      }
      if (nums.length < ROOMS_AT_ONCE) return;
      after = nums.at(-1) ?? after;
    }
  }

  /** Deletes old messages of a room, except the events on which the next event is based. */
  async #purgeRoom(row: RoomRow, before: number): Promise<void> {
    const { database, events: store, messageIndex } = this.#parts;
    const last = Math.min(...row.extremities, row.lastEvent);
    const version = roomVersion(row.version);
    if (version === undefined) return;
    for (;;) {
      const nums = await this.#store.expired(row.num, before, last, EVENTS_AT_ONCE);
      if (nums.length === 0) return;
      const events = await store.list(nums);
      const writes = events.map(({ num, type, content }) =>
        this.#store.forget(num, JSON.stringify(redactContent(type, content, version))),
      );
      await database.commit([...writes, messageIndex.remove(nums)]);
      store.forget(nums);
      if (nums.length < EVENTS_AT_ONCE) return;
    }
  }
}
