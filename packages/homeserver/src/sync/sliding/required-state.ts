import type { Lookups } from '../../platform/lookups/lookups.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { NodeRef, StateEntry } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { difference, entries } from '../../storage/state/state-tree.ts';
import type { Shown } from '../../timeline/render/event-renderer.ts';
import type { LazyChain, LazyMembersCache } from '../gather/lazy-members-cache.ts';
import type { RoomTimeline } from '../gather/room-timeline.ts';
import type { RoomSpan } from './room-span.ts';
import type { StateSelection, StateSelections } from './state-selection.ts';

interface Parts {
  readonly names: Names;
  readonly states: StateStore;
  readonly events: EventStore;
  readonly timelines: TimelineStore;
  readonly lazyMembers: LazyMembersCache;
}

/** The span of a room with its timeline. */
export interface TimedSpan {
  readonly span: RoomSpan;
  readonly timeline: RoomTimeline;
}

/** The state in a room's answer. */
export interface RoomState {
  readonly events: readonly StoredEvent[];
  /** The room's state at the end of the answer. */
  readonly root: NodeRef | undefined;
}

/** The parameters of a request that the states of all rooms use. */
interface RequiredStateRequest {
  readonly lazy: LazyChain;
  readonly selections: StateSelections;
}

const NO_STATE: RoomState = { events: [], root: undefined };

/** Finds the state for the rooms of an answer (MSC4186, `required_state`). */
export class RequiredStates {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the state for a room: all wanted state of a new room, otherwise the changes of it. */
  state(lookups: Lookups, request: RequiredStateRequest, timed: TimedSpan): RoomState {
    const { states, events, lazyMembers, names } = this.#parts;
    const { span, timeline } = timed;
    lazyMembers.restart(request.lazy, span.row.room);
    const end = endOf(timed);
    const needed = end === undefined ? undefined : lookups.get(states.snapshotSource, end);
    const selection = request.selections.get(span.config.state);
    if (needed === undefined || selection === undefined) return NO_STATE;
    const begin = this.#beginOf(lookups, timed);
    const known = begin === undefined ? undefined : lookups.get(states.snapshotSource, begin);
    const member = lookups.get(names.wellKnownSource, 'm.room.member');
    const users = selection.lazyMembers ? [...usersIn(timeline.shown)] : [];
    const [members, changed] = lookups.both(
      () => this.#members(lookups, needed, member, users),
      () => this.#changed(lookups, request, span, { known, needed, selection, member }),
    );
    const fresh = lazyMembers.news(request.lazy, span.row.room, members);
    const isWhole = span.from === undefined;
    const lazy = members.filter(([user]) => isWhole || fresh.has(user)).map(([, num]) => num);
    const found = lookups.all(events.source, new Set([...changed, ...lazy]));
    return { events: found.filter((event) => event !== undefined), root: needed };
  }

  /** Returns the snapshot that the client has of a room; `undefined` if it gets the whole state. */
  #beginOf(lookups: Lookups, { span, timeline }: TimedSpan): number | undefined {
    const { from } = span;
    if (from === undefined) return undefined;
    const next = timeline.considered.find(({ num }) => num > from);
    // No event that was read is new, so the client has the state of the latest event.
    if (next === undefined) return timeline.last?.snapshotAfter;
    // If no event is missing, the client has the state before the first new event.
    if (next !== timeline.considered[0] || !(span.room.limited || span.isExpanded)) return next.snapshot;
    const { timelines, events } = this.#parts;
    const last = lookups.get(timelines.lastSource, { room: span.row.room, position: from });
    return last === undefined ? undefined : lookups.get(events.source, last)?.snapshotAfter;
  }

  /**
   * Returns the numbers of the wanted state events that the client does not have, except the lazily loaded members of
   * the timeline.
   */
  #changed(
    lookups: Lookups,
    { lazy, selections }: RequiredStateRequest,
    { row: { room }, from, oldState }: RoomSpan,
    {
      known,
      needed,
      selection,
      member,
    }: {
      readonly known: NodeRef | undefined;
      readonly needed: NodeRef;
      readonly selection: StateSelection;
      readonly member: number;
    },
  ): number[] {
    const { lazyMembers, states } = this.#parts;
    if (from === undefined) {
      lazyMembers.begin(lazy, room);
      return this.#wanted(lookups, needed, selection);
    }
    const old = oldState === undefined ? undefined : selections.get(oldState);
    const isAdded = (type: number, stateKey: number) => old?.includes(type, stateKey) === false;
    const added = old === undefined ? [] : this.#wanted(lookups, needed, selection, isAdded);
    if (known === undefined || known.hash === needed.hash) return added;
    lookups.all(states.wholeSource, [known, needed]);
    // The client gets changes of the members that it has, or of all members if those are not known.
    const isUnknown = !lazyMembers.isComplete(lazy, room);
    const isLazy = ({ type, stateKey }: StateEntry) =>
      selection.lazyMembers && type === member && (isUnknown || lazyMembers.has(lazy, room, stateKey));
    const changed = difference(known, needed).filter(
      (entry) => selection.includes(entry.type, entry.stateKey) || isLazy(entry),
    );
    const members = changed.filter(isLazy).map(({ stateKey, event }) => [stateKey, event] as const);
    lazyMembers.news(lazy, room, members);
    return [...changed.map(({ event }) => event), ...added];
  }

  /** Returns the numbers of all events of a state that a selection includes. */
  #wanted(
    lookups: Lookups,
    root: NodeRef,
    selection: StateSelection,
    also: (type: number, stateKey: number) => boolean = () => true,
  ): number[] {
    const { states } = this.#parts;
    const { places } = selection;
    if (places === undefined) {
      return entries(lookups.get(states.wholeSource, root)).flatMap(({ type, stateKey, event }) =>
        selection.includes(type, stateKey) && also(type, stateKey) ? event : [],
      );
    }
    const wanted = places.filter(({ type, stateKey }) => also(type, stateKey)).map((place) => ({ root, ...place }));
    return lookups.all(states.placeSource, wanted).filter((num) => num !== undefined);
  }

  /** Returns the member events of some users, by user. */
  #members(
    lookups: Lookups,
    root: NodeRef,
    member: number,
    users: readonly number[],
  ): (readonly [user: number, event: number])[] {
    const places = users.map((stateKey) => ({ root, type: member, stateKey }));
    const nums = lookups.all(this.#parts.states.placeSource, places);
    return users.flatMap((user, i) => {
      const num = nums[i];
      return num === undefined ? [] : [[user, num] as const];
    });
  }
}

/** Returns the snapshot after a room's timeline; for a room that the user has left, the one at the departure. */
function endOf({ span: { room }, timeline }: TimedSpan): number | undefined {
  return room.departure === undefined ? timeline.last?.snapshotAfter : room.departure.ended?.snapshotAfter;
}

/** Returns the users who occur in a timeline: the senders, and the targets of member events. */
function usersIn(shown: readonly Shown[]): Set<number> {
  const users = new Set<number>();
  for (const { event } of shown) {
    users.add(event.senderNum);
    if (event.type === 'm.room.member' && event.stateKeyNum !== null) users.add(event.stateKeyNum);
  }
  return users;
}
