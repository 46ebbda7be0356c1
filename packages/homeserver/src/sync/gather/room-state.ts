import { matches } from '../../filters/matching.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Reader } from '../../rooms/access.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { NodeRef, StateEntry } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { difference, entries } from '../../storage/state/state-tree.ts';
import { loadedTogether } from '../../timeline/render/state-text.ts';
import type { SelectedRoom } from '../select/selected-room.ts';
import type { SyncFilter } from '../sync-filter.ts';
import type { LazyChain, LazyMembersCache } from './lazy-members-cache.ts';
import { type MemberSummaries, maySummaryChange } from './member-summaries.ts';
import type { RoomTimeline } from './room-timeline.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly timelines: TimelineStore;
  readonly heads: Heads;
  readonly lazyMembers: LazyMembersCache;
  readonly summaries: MemberSummaries;
}

/** The parameters of a request that determine the state in its answer. */
export interface StateRequest {
  readonly since: number | undefined;
  readonly fullState: boolean;
  /** Whether the client wants the state after the timeline instead of the one before it (`use_state_after`). */
  readonly after: boolean;
  /** The request of a client that loads members lazily; absent for other clients. */
  readonly lazy: LazyChain | undefined;
  readonly filter: SyncFilter;
}

/** A room with the timeline that was chosen for it. */
export interface TimedRoom {
  readonly room: SelectedRoom;
  readonly timeline: RoomTimeline;
}

/**
 * The state events of one room in an answer. Events of long lists are given by their numbers and loaded while they are
 * written.
 */
export interface RoomStateEvents {
  readonly events: readonly StoredEvent[];
  /** The numbers of events that are not loaded and not filtered yet, see {@link passes}. */
  readonly later: readonly number[];
}

/** Two states of a room: the one that the client has, and the one to which its timeline applies. */
interface Span {
  readonly known: NodeRef | undefined;
  readonly needed: NodeRef;
}

/** A user, and the number of the user's member event. */
type MemberEvent = readonly [user: number, event: number];

const NO_NUMS: readonly number[] = [];
const NO_ENTRIES: readonly StateEntry[] = [];
const NO_MEMBERS: readonly MemberEvent[] = [];
const NO_EVENTS: readonly StoredEvent[] = [];
const NO_STATE: RoomStateEvents = { events: NO_EVENTS, later: NO_NUMS };

/** Finds the state events for the rooms of an answer. */
export class RoomStates {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the state events for each room, in the order of `rooms`. A room that is new to the client has its whole
   * state, other rooms have the changes in the gap before the timeline.
   */
  states(
    lookups: Lookups,
    reader: Reader,
    rooms: readonly TimedRoom[],
    request: StateRequest,
  ): readonly RoomStateEvents[] {
    const lists = lookups.each(rooms, (room) => this.#nums(lookups, reader, room, request));
    const now = loadedTogether(lists);
    return lookups.each(lists.entries(), ([i, nums]) => {
      if (nums.length === 0) return NO_STATE;
      if (now[i] !== true) return { events: NO_EVENTS, later: nums };
      const events = lookups.all(this.#parts.events.source, nums).filter((event) => event !== undefined);
      return { events: events.filter((event) => passes(event, request.filter)), later: NO_NUMS };
    });
  }

  /** Returns the numbers of the state events of one room. */
  #nums(lookups: Lookups, reader: Reader, timed: TimedRoom, request: StateRequest): readonly number[] {
    const { room, timeline } = timed;
    const { filter, lazy, after } = request;
    if (lazy !== undefined) this.#parts.lazyMembers.restart(lazy, room.row.room);
    const span = this.#span(lookups, timed, request);
    const own = room.departure?.member;
    const isResolved = timeline.considered.some((event) => event.after !== null);
    if (span === undefined && own === undefined && !filter.lazyMembers && !isResolved) return NO_NUMS;
    const member = lookups.get(this.#parts.names.wellKnownSource, 'm.room.member');
    const all = this.#entries(lookups, span);
    const list =
      own === undefined ? all : all.filter(({ type, stateKey }) => type !== member || stateKey !== reader.user);
    const senders = filter.lazyMembers ? this.#lazyUsers(lookups, reader, timed, request, member) : NO_MEMBERS;
    const nums = this.#wanted(reader, room, list, request, member);
    if (!after) nums.push(...this.#resolved(lookups, timeline));
    // A membership change after the departure, such as the rejection of another invitation, replaces the member event.
    if (own !== undefined) nums.push(own.num);
    const members = filter.lazyMembers ? this.#lazyMembers(timed, senders, request) : NO_NUMS;
    if (nums.length === 0 && members.length === 0) return NO_NUMS;
    const found = members.length === 0 ? nums : new Set([...nums, ...members]);
    return withoutShown(found, after ? undefined : timeline);
  }

  #entries(lookups: Lookups, span: Span | undefined): readonly StateEntry[] {
    if (span === undefined) return NO_ENTRIES;
    const { states } = this.#parts;
    if (span.known === undefined) return entries(lookups.get(states.wholeSource, span.needed));
    if (span.known.hash === span.needed.hash) return NO_ENTRIES;
    lookups.all(states.wholeSource, [span.known, span.needed]);
    return difference(span.known, span.needed);
  }

  /**
   * Returns the state events that have come into the state without being in the timeline: by the resolution of the states
   * after events of several servers that do not follow each other.
   */
  #resolved(lookups: Lookups, { considered }: RoomTimeline): readonly number[] {
    const [first] = considered;
    const last = considered.at(-1);
    if (first === undefined || last === undefined || !considered.some(({ after }) => after !== null)) return NO_NUMS;
    const { states } = this.#parts;
    const [before, after] = lookups.all(states.snapshotSource, [first.snapshot, last.snapshotAfter]);
    if (before === undefined || after === undefined) return NO_NUMS;
    lookups.all(states.wholeSource, [before, after]);
    return difference(before, after).map(({ event }) => event);
  }

  /** Returns the two states to compare; `undefined` if the timeline continues from the state that the client has. */
  #span(lookups: Lookups, timed: TimedRoom, request: StateRequest): Span | undefined {
    const { room, timeline } = timed;
    const isWhole = room.isNew || request.fullState;
    // Otherwise the client gets all changes of state with the timeline.
    const hasGap = timeline.limited || timeline.hasHoles || request.after;
    if (!isWhole && !hasGap) return undefined;
    const needed = this.#needed(lookups, timed, request);
    if (needed === undefined || isWhole) return needed && { known: undefined, needed };
    const known = this.#known(lookups, room.row.room, request.since);
    return known && { known, needed };
  }

  /** Returns the state that the client has from its last sync. */
  #known(lookups: Lookups, room: number, since: number | undefined): NodeRef | undefined {
    const { timelines, events, states } = this.#parts;
    if (since === undefined) return undefined;
    const last = lookups.get(timelines.lastSource, { room, position: since });
    const event = last === undefined ? undefined : lookups.get(events.source, last);
    return event && lookups.get(states.snapshotSource, event.snapshotAfter);
  }

  #needed(lookups: Lookups, timed: TimedRoom, request: StateRequest): NodeRef | undefined {
    const snapshot = neededSnapshot(timed, request);
    return snapshot === undefined ? undefined : lookups.get(this.#parts.states.snapshotSource, snapshot);
  }

  /**
   * Returns the numbers of the events that the client gets. A client that loads members lazily gets only the user's own
   * member event of a new room. Later it gets changes of the members that it has, or of all members if that is not
   * known.
   */
  #wanted(
    reader: Reader,
    { isNew, row: { room } }: SelectedRoom,
    list: readonly StateEntry[],
    { lazy, fullState, filter }: StateRequest,
    member: number,
  ): number[] {
    const { lazyMembers } = this.#parts;
    if (!filter.lazyMembers || lazy === undefined) return list.map(({ event }) => event);
    if (isNew) lazyMembers.begin(lazy, room);
    if (list.length === 0) return [];
    const isUnknown = !isNew && !fullState && !lazyMembers.isComplete(lazy, room);
    const isNeeded = ({ type, stateKey }: StateEntry) =>
      type !== member || stateKey === reader.user || isUnknown || lazyMembers.has(lazy, room, stateKey);
    const members = list.filter((entry) => entry.type === member && isNeeded(entry));
    lazyMembers.news(
      lazy,
      room,
      members.map(({ stateKey, event }) => [stateKey, event] as const),
    );
    return list.filter(isNeeded).map(({ event }) => event);
  }

  /**
   * Returns the member events that the timeline requires, by user: those of the senders, and those of the heroes if
   * these may have changed. If the timeline does not count as state (`use_state_after`), also those of the targets of
   * its member events.
   */
  #lazyUsers(
    lookups: Lookups,
    reader: Reader,
    timed: TimedRoom,
    request: StateRequest,
    member: number,
  ): readonly MemberEvent[] {
    const { room, timeline } = timed;
    const users = new Set<number>();
    for (const { event } of timeline.shown) users.add(event.senderNum);
    if (request.after) for (const [user] of membersIn(timeline)) users.add(user);
    if (room.isNew || request.fullState || maySummaryChange(timeline)) {
      const head = lookups.get(this.#parts.heads.source, room.row.room);
      for (const hero of head === undefined ? [] : (this.#parts.summaries.heroes(lookups, head, reader.user) ?? []))
        users.add(hero);
    }
    const root = users.size === 0 ? undefined : this.#needed(lookups, timed, request);
    if (root === undefined) return NO_MEMBERS;
    const { placeSource } = this.#parts.states;
    const members: MemberEvent[] = [];
    lookups.each(users, (stateKey) => {
      const num = lookups.get(placeSource, { root, type: member, stateKey });
      if (num !== undefined) members.push([stateKey, num]);
    });
    return members;
  }

  /** Returns the numbers of the member events that the device does not have yet. */
  #lazyMembers(
    { room, timeline }: TimedRoom,
    members: readonly MemberEvent[],
    { lazy, fullState, filter }: StateRequest,
  ): readonly number[] {
    if (lazy === undefined) return members.map(([, num]) => num);
    const fresh = this.#parts.lazyMembers.news(lazy, room.row.room, members);
    const shown = membersIn(timeline);
    if (shown.length > 0) this.#parts.lazyMembers.news(lazy, room.row.room, shown);
    const isAll = filter.redundantMembers || room.isNew || fullState;
    if (!isAll && fresh.size === 0) return NO_NUMS;
    return members.filter(([user]) => isAll || fresh.has(user)).map(([, num]) => num);
  }
}

/** Returns state events except those that the timeline contains. */
function withoutShown(nums: Iterable<number>, timeline: RoomTimeline | undefined): number[] {
  const there = new Set<number>();
  for (const { event } of timeline?.shown ?? []) if (event.isState) there.add(event.num);
  return Array.from(nums).filter((num) => !there.has(num));
}

/** Returns whether a state event passes the filter. */
export function passes(event: StoredEvent, { state }: SyncFilter): boolean {
  if (!state.active) return true;
  if (state.room !== undefined && !state.room(event.roomId)) return false;
  return matches(state, event.type, event.sender, () => Object.hasOwn(event.content, 'url'));
}

/**
 * Returns the snapshot before the timeline. If the timeline does not contain every state event, returns the snapshot
 * after it. For a room that the user has left, the snapshot is no later than the departure. Returns undefined if the
 * user was never in the room.
 */
function neededSnapshot({ timeline, room }: TimedRoom, { after }: StateRequest): number | undefined {
  const { first, last } = timeline;
  const { departure } = room;
  if (departure !== undefined && departure.ended === undefined) return undefined;
  const ended = departure?.ended;
  if (after || timeline.hasHoles || first === undefined) return (ended ?? last)?.snapshotAfter;
  return ended !== undefined && first.num > ended.num ? ended.snapshotAfter : first.snapshot;
}

/** Returns the member events that a timeline shows, by user. */
function membersIn({ shown }: RoomTimeline): readonly MemberEvent[] {
  let members: MemberEvent[] | undefined;
  for (const { event } of shown) {
    if (event.type !== 'm.room.member' || event.stateKeyNum === null) continue;
    members ??= [];
    members.push([event.stateKeyNum, event.num]);
  }
  return members ?? NO_MEMBERS;
}
