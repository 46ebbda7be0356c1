import type { Lookups } from '../../platform/lookups/lookups.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import type { MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { RoomPosition, TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import type { LatestEventNums } from '../../timeline/latest.ts';
import { type ChangedRooms, type RoomChanges, TIMELINE_READ_MAX } from '../select/changed-rooms.ts';
import { type PastMembership, pastMemberships } from '../select/past-memberships.ts';
import type { Departure, SelectedRoom } from '../select/selected-room.ts';
import type { SyncRange } from '../select/stream-reader.ts';
import type { ConnectionState, SentRoom } from './connection-state.ts';
import { rulesKey, type StatePairs } from './state-selection.ts';
import type { RequestedRooms, RoomConfig } from './wanted-rooms.ts';

interface Parts {
  readonly membershipHistory: MembershipHistory;
  readonly timelines: TimelineStore;
  readonly latest: LatestEventNums;
  readonly changes: RoomChanges;
}

/** The part of a room that an answer has to cover. */
export interface RoomSpan {
  readonly row: MembershipRow;
  readonly config: RoomConfig;
  /** The position after which the answer covers the room; `undefined` for the whole room. */
  readonly from: number | undefined;
  /** The room with the events of its timeline that are read. */
  readonly room: SelectedRoom;
  /** Whether the timeline begins before the events that the client has, because the timeline limit has grown. */
  readonly isExpanded: boolean;
  /** The earlier `required_state` by which the client got the state, if it has changed. */
  readonly oldState: readonly StatePairs[] | undefined;
}

/** The range of an answer, with the rooms that have changed in it. */
export interface SlidingRange extends SyncRange {
  readonly changed: ChangedRooms;
}

/** A span before its timeline is selected. */
type Plan = Omit<RoomSpan, 'room'> & { readonly departure?: Departure | undefined };

const OUTSIDE: ReadonlySet<string> = new Set(['leave', 'ban']);

/** Finds the part of each wanted room that an answer has to cover. */
export class RoomSpans {
  readonly #parts: Parts;
  /** The sequence number of a room's last event at a position of the stream. */
  readonly #seqs: Source<RoomPosition, number>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#seqs = loadedSingly(
      () => NOT_LOADED,
      ({ room, position }) => parts.timelines.seqAt(room, position),
      ({ room, position }) => `${room}/${position}`,
    );
  }

  /** Returns the spans of the wanted rooms, with their events as numbers. */
  select(
    lookups: Lookups,
    wanted: RequestedRooms,
    state: ConnectionState | undefined,
    range: SlidingRange,
  ): RoomSpan[] {
    const spans = lookups.each(wanted.rooms.values(), ({ row, config }) =>
      this.#span(lookups, row, { config, sent: state?.rooms.get(row.room), range }),
    );
    return spans.filter((span) => span !== undefined);
  }

  #span(
    lookups: Lookups,
    row: MembershipRow,
    {
      config,
      sent,
      range,
    }: { readonly config: RoomConfig; readonly sent: SentRoom | undefined; readonly range: SlidingRange },
  ): RoomSpan | undefined {
    const past = this.#past(lookups, row, sent, range);
    const { from, isExpanded, oldState } = plan(row, config, { sent, past, range });
    const isOutside = OUTSIDE.has(row.membership);
    // A room that the client has as left does not change.
    if (isOutside && from !== undefined && row.position <= from) return undefined;
    const departure = isOutside ? departureOf(past) : undefined;
    const room = this.#room(lookups, { row, config, from, isExpanded, oldState, departure }, range);
    const isMoved = from !== undefined && row.position > from;
    const isNews = room.nums.length > 0 || isExpanded || oldState !== undefined || isMoved;
    if (from !== undefined && !isNews) return undefined;
    return { row, config, from, isExpanded, oldState, room: this.#anchored(lookups, row, room, range) };
  }

  /** Adds the latest event as the anchor of a room without new events, whose state is read at that event. */
  #anchored(lookups: Lookups, row: MembershipRow, room: SelectedRoom, { upTo }: SlidingRange): SelectedRoom {
    if (room.nums.length > 0 || !isTimed(row)) return room;
    const anchor = lookups.get(this.#parts.timelines.lastSource, { room: row.room, position: upTo });
    return { ...room, anchor };
  }

  /** Returns the membership at the client's position in the room, if it may have changed since then. */
  #past(
    lookups: Lookups,
    row: MembershipRow,
    sent: SentRoom | undefined,
    { since }: SlidingRange,
  ): PastMembership | undefined {
    const from = sent === undefined ? undefined : (sent.upTo ?? since);
    // For a room that is new to the client, only an earlier membership of a user who has left matters.
    if (from === undefined ? !OUTSIDE.has(row.membership) : row.position <= from) return undefined;
    return pastMemberships(lookups, this.#parts.membershipHistory, [row], from ?? 0).get(row.room);
  }

  #room(lookups: Lookups, { row, config, from, isExpanded, departure }: Plan, range: SlidingRange): SelectedRoom {
    if (departure !== undefined && departure.ended === undefined)
      return { row, isNew: from === undefined, nums: [row.event], limited: false, after: from ?? 0, departure };
    const limit = Math.max(1, config.limit);
    if (isTimed(row) && (from === undefined || isExpanded)) {
      const nums = this.#latest(lookups, row, limit + 1, range.upTo);
      const limited = nums.length > limit;
      return { row, isNew: from === undefined, nums: nums.slice(-limit), limited, after: 0, departure };
    }
    const nums = this.#missed(lookups, row, from ?? 0, range);
    return {
      row,
      isNew: from === undefined,
      nums,
      limited: nums.length >= TIMELINE_READ_MAX,
      after: from ?? 0,
      departure,
    };
  }

  /** Returns the latest events of a room; for a room that the user has left, the latest up to the departure. */
  #latest(lookups: Lookups, { room, membership, position }: MembershipRow, limit: number, upTo: number) {
    const { latest, timelines } = this.#parts;
    if (membership === 'join') return lookups.get(latest.source, { room, position: upTo, limit });
    const seq = lookups.get(this.#seqs, { room, position });
    const page = { room, after: 0, upTo: seq, backwards: true, limit };
    return lookups.get(timelines.pageSource, page).toReversed();
  }

  /** Returns the events of a room after the client's position in it. */
  #missed(
    lookups: Lookups,
    row: MembershipRow,
    from: number,
    { since = 0, upTo, changed }: SlidingRange,
  ): readonly number[] {
    const isJoined = row.membership === 'join';
    const isBehind = isTimed(row) && (isJoined ? from < since : row.position > from);
    if (!isBehind) return changed.timelines.get(row.room) ?? [];
    const end = isJoined ? upTo : Math.min(upTo, row.position);
    return lookups.get(this.#parts.changes.eventsAfter, { room: row.room, position: from }).filter((num) => num <= end);
  }
}

function departureOf(past: PastMembership | undefined): Departure | undefined {
  return past?.latest === undefined ? undefined : { ended: past.ended?.cause, member: past.latest.member };
}

function plan(
  row: MembershipRow,
  config: RoomConfig,
  {
    sent,
    past,
    range,
  }: {
    readonly sent: SentRoom | undefined;
    readonly past: PastMembership | undefined;
    readonly range: SlidingRange;
  },
): Pick<Plan, 'from' | 'isExpanded' | 'oldState'> {
  if (sent === undefined || isFresh(row, past)) return { from: undefined, isExpanded: false, oldState: undefined };
  const from = sent.upTo ?? range.since ?? 0;
  const oldState = rulesKey(sent.state) === rulesKey(config.state) ? undefined : sent.state;
  return { from, isExpanded: row.membership === 'join' && config.limit > sent.limit, oldState };
}

/**
 * Returns whether a client lacks everything that only members get, because the user joined after the client's position
 * in the room. The user may have left again since.
 */
function isFresh({ membership }: MembershipRow, past: PastMembership | undefined): boolean {
  if (past === undefined || past.membership === 'join') return false;
  return !OUTSIDE.has(membership) || past.ended !== undefined;
}

/** Returns whether the user gets a timeline of the room. Invitations and knocks have only stripped state. */
export function isTimed({ membership }: MembershipRow): boolean {
  return membership === 'join' || OUTSIDE.has(membership);
}
