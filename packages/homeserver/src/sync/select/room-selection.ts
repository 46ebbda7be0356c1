import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { PartialStates } from '../../rooms/partial-state/partial-states.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { LatestEventNums } from '../../timeline/latest.ts';
import type { SyncFilter } from '../sync-filter.ts';
import { type ChangedRooms, type RoomChanges, TIMELINE_READ_MAX } from './changed-rooms.ts';
import type { Invites } from './invites.ts';
import type { LeftRooms } from './left-rooms.ts';
import type { SelectedRoom } from './selected-room.ts';
import type { Rows, SyncRange } from './stream-reader.ts';

interface Parts {
  readonly names: Names;
  readonly invites: Invites;
  readonly changes: RoomChanges;
  readonly left: LeftRooms;
  readonly timelines: TimelineStore;
  readonly latest: LatestEventNums;
  readonly partialStates: PartialStates;
}

/** The rooms of an answer. */
export interface SelectedRooms {
  /** The user's memberships in all rooms that the client may get. */
  readonly rows: Rows;
  readonly joined: readonly SelectedRoom[];
  readonly left: readonly SelectedRoom[];
  readonly invited: readonly MembershipRow[];
  readonly knocked: readonly MembershipRow[];
  /** The rooms that the device peeks into. {@link RoomSelection} leaves this empty; see `Peeks`. */
  readonly peeked: readonly SelectedRoom[];
  /** Joined rooms in which receipts, typing users or account data may have changed. */
  readonly touched: ReadonlySet<number>;
}

/** The parameters of a request that determine the rooms of its answer. */
export interface SelectionRequest {
  readonly user: number;
  readonly filter: SyncFilter;
  /** Whether rooms without changes are selected too. */
  readonly fullState: boolean;
}

/** The memberships with which clients show a room. */
const KNOWN: ReadonlySet<string> = new Set(['join', 'invite', 'knock']);

/** The factor by which more events are read if a filter excludes some of them. */
const FILTERED_SCAN_FACTOR = 10;

/** Selects the rooms of an answer, as numbers. */
export class RoomSelection {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Selects the rooms of an answer: all rooms for a client without a token, otherwise rooms with changes. */
  select(lookups: Lookups, request: SelectionRequest, range: SyncRange): SelectedRooms {
    const { since } = range;
    const rows = this.#withoutPartial(lookups, this.#passingRows(lookups, range.rows, request.filter), request, range);
    if (since === undefined) return this.#first(lookups, request, range, rows);
    const selected = this.#next(lookups, request, { ...range, since }, rows);
    if (!request.fullState) return selected;
    const selectedRooms = new Set(selected.joined.map(({ row }) => row.room));
    const others = [...rows.values()].filter((row) => row.membership === 'join' && !selectedRooms.has(row.room));
    return { ...selected, joined: [...selected.joined, ...this.#unchanged(lookups, others, range.upTo)] };
  }

  #passingRows(lookups: Lookups, rows: Rows, { room }: SyncFilter): Rows {
    if (room === undefined) return rows;
    const ids = lookups.all(this.#parts.names.textSource, rows.keys());
    return new Map([...rows].filter((_, i) => room(ids[i] ?? '')));
  }

  /**
   * Returns the rows without joined rooms whose members are not known yet. Clients that do not load members lazily get such
   * a room when its state is whole (MSC3902).
   */
  #withoutPartial(lookups: Lookups, rows: Rows, { filter }: SelectionRequest, { upTo }: SyncRange): Rows {
    const { partialStates } = this.#parts;
    if (filter.lazyMembers || partialStates.isWholeSince(upTo)) return rows;
    const later = partialStates.completedIn(lookups, { since: upTo, upTo: Number.MAX_SAFE_INTEGER });
    const isHidden = ({ room, membership }: MembershipRow) =>
      membership === 'join' && (partialStates.of(room) !== undefined || later.has(room));
    return new Map([...rows].filter(([, row]) => !isHidden(row)));
  }

  #first(lookups: Lookups, { user, filter }: SelectionRequest, { upTo }: SyncRange, rows: Rows): SelectedRooms {
    const all = [...rows.values()].filter(({ forgotten }) => !forgotten);
    const joined = all.filter(({ membership }) => membership === 'join');
    const left = filter.includeLeave ? all.filter(isOutside) : [];
    const pasts = this.#parts.left.pasts(lookups, left, 0);
    return {
      rows,
      joined: this.whole(lookups, joined, upTo, filter),
      left: this.#parts.left.select(lookups, left, { since: 0, pasts }, scanLimit(filter)),
      invited: this.#parts.invites.among(lookups, user, all).shown,
      knocked: all.filter(({ membership }) => membership === 'knock'),
      peeked: [],
      touched: new Set(joined.map(({ room }) => room)),
    };
  }

  #next(
    lookups: Lookups,
    { user, filter }: SelectionRequest,
    range: SyncRange & { readonly since: number },
    rows: Rows,
  ): SelectedRooms {
    const { since } = range;
    const limit = scanLimit(filter);
    const changed = this.#parts.changes.in(lookups, rows, range);
    const changedRows = changedMemberships(rows, range);
    const completed = this.#parts.partialStates.completedIn(lookups, range);
    if (changedRows.length === 0 && completed.size === 0)
      return { ...NOTHING, rows, ...unmovedRooms(changed, rows, since, limit) };
    const pasts = this.#parts.left.pasts(lookups, changedRows, since);
    const membershipBefore = (room: number) => pasts.get(room)?.membership ?? '';
    // This client has to remove a room that was forgotten on another device.
    const moved = changedRows.filter(({ forgotten, room }) => !forgotten || KNOWN.has(membershipBefore(room)));
    const isNew = (row: MembershipRow) =>
      (row.position > since && membershipBefore(row.room) !== 'join') ||
      (!filter.lazyMembers && completed.has(row.room));
    const { joined } = unmovedRooms(changed, rows, since, limit);
    const begun = [...completed].map((room) => rows.get(room)).filter((row) => row !== undefined);
    const fresh = [...new Set([...moved, ...begun])].filter((row) => row.membership === 'join' && isNew(row));
    const known = [...joined.map(({ row }) => row), ...fresh];
    const complete = begun.filter((row) => row.membership === 'join' && !known.includes(row));
    const invited = this.#parts.invites.among(lookups, user, moved);
    // If an invitation is hidden from the user, the client still gets the departure before it.
    const left = [
      ...moved.filter(isOutside),
      ...invited.hidden.filter(({ room }) => membershipBefore(room) === 'join'),
    ];
    return {
      rows,
      joined: [
        ...joined.filter(({ row }) => !isNew(row)),
        ...this.whole(lookups, fresh, range.upTo, filter).map((room) => ({ ...room, startsTimeline: true })),
        ...this.#unchanged(lookups, complete, range.upTo).map((room) => ({ ...room, hasNewMembers: true })),
      ],
      left: this.#parts.left.select(lookups, left, { since, pasts }, limit),
      invited: invited.shown,
      knocked: moved.filter(({ membership }) => membership === 'knock'),
      peeked: [],
      touched: changed.touched,
    };
  }

  /** Returns joined rooms without changes, for a client that requests the full state again. */
  #unchanged(lookups: Lookups, rows: readonly MembershipRow[], upTo: number): SelectedRoom[] {
    return lookups.each(rows, (row) => {
      const anchor = lookups.get(this.#parts.timelines.lastSource, { room: row.room, position: upTo });
      return { row, isNew: false, nums: [], limited: false, after: anchor ?? 0, anchor };
    });
  }

  /** Returns rooms that are new to the client, with the latest events of their timelines. */
  whole(lookups: Lookups, rows: readonly MembershipRow[], upTo: number, filter: SyncFilter): SelectedRoom[] {
    const limit = scanLimit(filter);
    const keys = rows.map(({ room }) => ({ room, position: upTo, limit: limit + 1 }));
    const timelines = lookups.all(this.#parts.latest.source, keys);
    return rows.map((row, i) => {
      const nums = timelines[i] ?? [];
      return { row, isNew: true, nums: nums.slice(-limit), limited: nums.length > limit, after: 0 };
    });
  }
}

const NOTHING: Omit<SelectedRooms, 'rows'> = {
  joined: [],
  left: [],
  invited: [],
  knocked: [],
  peeked: [],
  touched: new Set(),
};

function isOutside({ membership }: MembershipRow): boolean {
  return membership === 'leave' || membership === 'ban';
}

/** Returns the joined rooms with new events, as for a user whose memberships have not changed. */
function unmovedRooms(
  { timelines, touched }: ChangedRooms,
  rows: Rows,
  since: number,
  limit: number,
): Pick<SelectedRooms, 'joined' | 'touched'> {
  const joined: SelectedRoom[] = [];
  for (const [room, nums] of timelines) {
    const row = rows.get(room);
    if (row?.membership !== 'join') continue;
    const limited = nums.length > limit;
    joined.push({ row, isNew: false, nums: limited ? nums.slice(-limit) : nums, limited, after: since });
  }
  return { joined, touched };
}

/** Returns the memberships that have changed in a range. */
function changedMemberships(
  rows: Rows,
  { since, upTo, changes }: SyncRange & { readonly since: number },
): MembershipRow[] {
  if (changes === undefined) return [...rows.values()].filter(({ position }) => position > since && position <= upTo);
  const changed: MembershipRow[] = [];
  for (const change of changes) {
    const row = change.kind === 'event' || change.kind === 'whole-state' ? rows.get(change.room) : undefined;
    if (row?.position === change.position) changed.push(row);
  }
  return changed;
}

function scanLimit(filter: SyncFilter): number {
  const wanted = Math.max(filter.timelineLimit, 1);
  return Math.min(filter.timeline.active ? wanted * FILTERED_SCAN_FACTOR : wanted, TIMELINE_READ_MAX - 1);
}
