import { redactContent } from '@hearth/protocol/events/redact.ts';
import { roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import { RetentionStore } from '../storage/rooms/events/retention-store.ts';
import type { RoomRow, RoomStore } from '../storage/rooms/room-store.ts';
import type { MessageIndex } from '../storage/search/message-index.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import type { Retention } from './retention.ts';

export interface PurgeDeps {
  readonly database: Database;
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly retention: Retention;
  readonly messageIndex: MessageIndex;
  readonly background: Background;
}

const ROOMS_AT_ONCE = 100;
const EVENTS_AT_ONCE = 500;

/** Deletes messages that are older than the lifetime of their room, in all rooms. */
export async function purgeExpired(deps: PurgeDeps): Promise<void> {
  if (!deps.retention.isActive) return;
  const store = new RetentionStore(deps.database);
  let after = 0;
  for (;;) {
    const nums = await store.rooms(after, ROOMS_AT_ONCE);
    for (const { row, before } of await limitedRooms(deps, nums)) {
      const failure = await failureOfRow(deps.database, () => purgeRoom(deps, store, row, before));
      if (failure !== undefined) deps.background.setAside('retention', { room: row.num }, failure);
    }
    if (nums.length < ROOMS_AT_ONCE) return;
    after = nums.at(-1) ?? after;
  }
}

/** Returns the rooms with a limited lifetime of messages, with the time before which messages are deleted. */
async function limitedRooms(deps: PurgeDeps, nums: readonly number[]): Promise<{ row: RoomRow; before: number }[]> {
  const rows = await deps.rooms.load(nums);
  const key = { type: await deps.names.num('m.room.retention'), stateKey: await deps.names.num('') };
  const found = await deps.states.lookupMany(
    rows.map(({ root }) => root),
    [key],
  );
  const policies = await deps.events.load(found.flat().filter((num) => num !== undefined));
  return rows.flatMap((row, i) => {
    const before = deps.retention.expiredBeforeBy(policies.get(found[i]?.[0] ?? 0));
    return before === undefined ? [] : [{ row, before }];
  });
}

/** Deletes old messages of a room, except the events on which the next event is based. */
async function purgeRoom(deps: PurgeDeps, store: RetentionStore, row: RoomRow, before: number): Promise<void> {
  const last = Math.min(...row.extremities, row.lastEvent);
  const version = roomVersion(row.version);
  if (version === undefined) return;
  for (;;) {
    const nums = await store.expired(row.num, before, last, EVENTS_AT_ONCE);
    if (nums.length === 0) return;
    const events = await deps.events.list(nums);
    const writes = events.map(({ num, type, content }) =>
      store.forget(num, JSON.stringify(redactContent(type, content, version))),
    );
    await deps.database.commit([...writes, deps.messageIndex.remove(nums)]);
    deps.events.forget(nums);
    if (nums.length < EVENTS_AT_ONCE) return;
  }
}
