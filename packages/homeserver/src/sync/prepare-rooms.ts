import { slicesOf } from '../platform/concurrency/in-slices.ts';
import type { Heads } from '../rooms/heads.ts';
import type { MembershipRow, MembershipStore } from '../storage/rooms/membership-store.ts';
import type { UnreadCounts } from '../unread/unread-counts.ts';
import { prepareHeroes } from './summary.ts';

/**
 * An answer puts so many rooms together at once: what they need fits into memory beside what others need, and other
 * requests wait for some milliseconds.
 */
export const ROOMS_AT_ONCE = 50;

/** Fewer rooms at once when their timelines are long: with events of 64 KB, the texts on the way take some 300 MB. */
const EVENTS_AT_ONCE = 1_000;

/** Cuts the rooms of an answer into those that are put together at once. `eventsOf`: how long a room's timeline may be. */
export function roomSlices<T>(rooms: readonly T[], eventsOf: (room: T) => number): Generator<readonly T[]> {
  return slicesOf(rooms, { count: ROOMS_AT_ONCE, weight: EVENTS_AT_ONCE }, eventsOf);
}

export interface PrepareDeps {
  readonly heads: Heads;
  readonly memberships: MembershipStore;
  readonly unread: UnreadCounts;
}

/**
 * Brings into memory, with a few queries for all rooms together, what an answer asks of each room that is new to the client:
 * after a restart nothing of it is there. Rooms that were counted lately are skipped. `rows` are the user's memberships
 * of joined rooms.
 */
export async function prepareRooms(
  { heads, memberships, unread }: PrepareDeps,
  user: { readonly num: number; readonly id: string },
  rows: readonly MembershipRow[],
): Promise<void> {
  const fresh = rows.filter(({ room }) => !unread.isCounted(user, room));
  if (fresh.length === 0) return;
  await heads.ensure(fresh.map(({ room }) => room));
  const rooms = fresh.flatMap((row) => {
    const head = heads.cached(row.room);
    return head === undefined ? [] : [{ head, row }];
  });
  const all = rooms.map(({ head }) => head);
  const keys = [
    ['m.room.create', ''],
    ['m.room.power_levels', ''],
    ['m.room.name', ''],
    ['m.room.canonical_alias', ''],
    ['m.room.member', user.id],
  ] as const;
  await heads.ensureState(all.map((head) => ({ head, keys })));
  prepareHeroes({ memberships }, all);
  await unread.prepare(user, rooms);
}
