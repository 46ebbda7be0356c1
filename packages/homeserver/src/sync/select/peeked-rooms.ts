import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { SyncFilter } from '../sync-filter.ts';
import { type RoomChanges, TIMELINE_READ_MAX } from './changed-rooms.ts';
import type { Peeks } from './peeks.ts';
import type { RoomSelection } from './room-selection.ts';
import type { SelectedRoom } from './selected-room.ts';
import type { SyncRange } from './stream-reader.ts';

interface Parts {
  readonly names: Names;
  readonly changes: RoomChanges;
  readonly heads: Heads;
  readonly peeks: Peeks;
  readonly selection: RoomSelection;
}

/** The rooms of an answer into which a device peeks. */
export interface PeekedSelection {
  readonly rooms: readonly SelectedRoom[];
  /** Rooms that the device may no longer peek into, or that the user has joined. */
  readonly ended: readonly number[];
}

const NOTHING: PeekedSelection = { rooms: [], ended: [] };

/** Selects the rooms that a device peeks into (MSC2753). Rooms that the user has joined are left out. */
export class PeekedRooms {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the rooms that a device peeks into, each with the position at which the peek began. */
  of(device: number): ReadonlyMap<number, number> {
    return this.#parts.peeks.of(device);
  }

  /** Ends peeks; see {@link PeekedSelection.ended}. */
  end(device: number, rooms: readonly number[]): Promise<void> {
    return this.#parts.peeks.endAll(device, rooms);
  }

  select(
    lookups: Lookups,
    { user, device }: { readonly user: number; readonly device: number },
    range: SyncRange,
    filter: SyncFilter,
  ): PeekedSelection {
    const peeks = this.#parts.peeks.of(device);
    if (peeks.size === 0) return NOTHING;
    const fresh: MembershipRow[] = [];
    const known = new Map<number, MembershipRow>();
    const ended: number[] = [];
    lookups.each(peeks, ([room, position]) => {
      // A later answer begins with this room.
      if (position > range.upTo) return;
      if (range.rows.get(room)?.membership === 'join' || !this.#isWorldReadable(lookups, room)) {
        ended.push(room);
        return;
      }
      if (filter.room?.(lookups.get(this.#parts.names.textSource, room)) === false) return;
      // The room is rendered like a joined one. Its history visibility determines the visible events.
      const row = { user, room, membership: 'join', event: 0, position: 0, forgotten: false } as const;
      if (range.since === undefined || position > range.since) fresh.push(row);
      else known.set(room, row);
    });
    const rooms = this.#parts.selection.whole(lookups, fresh, range.upTo, filter);
    return { rooms: [...rooms, ...this.#changed(lookups, known, range)], ended };
  }

  #changed(lookups: Lookups, known: ReadonlyMap<number, MembershipRow>, range: SyncRange): SelectedRoom[] {
    const { since, upTo } = range;
    if (since === undefined) return [];
    return lookups
      .each(known.values(), (row) => {
        const nums = lookups
          .get(this.#parts.changes.eventsAfter, { room: row.room, position: since })
          .filter((num) => num <= upTo);
        return { row, isNew: false, nums, limited: nums.length >= TIMELINE_READ_MAX, after: since };
      })
      .filter(({ nums }) => nums.length > 0);
  }

  #isWorldReadable(lookups: Lookups, room: number): boolean {
    const { heads } = this.#parts;
    const head = lookups.get(heads.source, room);
    if (head === undefined) return false;
    const event = lookups.get(heads.stateSource, { head, type: 'm.room.history_visibility', stateKey: '' });
    return event?.content.history_visibility === 'world_readable';
  }
}
