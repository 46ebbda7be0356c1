import { matches } from '../filters/matching.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Names } from '../storage/engine/names.ts';
import { type EventStore, eventsOf } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { MembershipStore } from '../storage/rooms/membership-store.ts';
import type { NodeRef, StateEntry } from '../storage/state/state-node.ts';
import type { StateKeyNums, StateStore } from '../storage/state/state-store.ts';
import { difference, emptyState, entries, lookup, NOT_LOADED } from '../storage/state/state-tree.ts';
import type { Reader } from '../timeline/hydrate.ts';
import { loadedTogether } from '../timeline/state-text.ts';
import type { LazyChain, LazyMembersCache } from './lazy-members-cache.ts';
import type { SyncFilter } from './request.ts';
import type { RoomTimeline } from './room-timeline.ts';
import type { RoomWork } from './skeleton.ts';
import { heroesOf, maySummaryChange } from './summary.ts';

export interface RoomStateDeps {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly timelines: TimelineStore;
  readonly lazyMembers: LazyMembersCache;
  readonly heads: Heads;
  readonly memberships: MembershipStore;
}

/** How the client wants to get state. */
export interface StateWish {
  readonly since: number | undefined;
  readonly fullState: boolean;
  /** The state after the timeline instead of the one before it (`use_state_after`). */
  readonly after: boolean;
  /** For a client that loads members lazily. */
  readonly lazy: LazyChain | undefined;
}

/** A room with the timeline that was chosen for it. */
export interface TimedRoom {
  readonly work: RoomWork;
  readonly timeline: RoomTimeline;
}

/** The state events of one room's answer: loaded, or when they are many their numbers, to be loaded while they are written. */
export interface RoomStateEvents {
  readonly events: readonly StoredEvent[];
  /** Not filtered yet, see {@link passes}. */
  readonly later: readonly number[];
}

/** Two states of a room: what the client knows and what it must know for its timeline to make sense. */
interface Span {
  readonly known: NodeRef | undefined;
  readonly needed: NodeRef;
}

/**
 * The state events that each room's answer carries, in the order of `rooms`: everything for a room that is new to the
 * client, else what changed in the gap before the timeline. All states are loaded together.
 */
export async function roomStates(
  deps: RoomStateDeps,
  reader: Reader,
  rooms: readonly TimedRoom[],
  wish: StateWish,
  filter: SyncFilter,
): Promise<readonly RoomStateEvents[]> {
  const spans = await spansOf(deps, rooms, wish);
  const roots = spans.flatMap((span) =>
    span === undefined ? [] : [span.needed, ...(span.known === undefined ? [] : [span.known])],
  );
  await deps.states.loadAll(roots);
  const member = await deps.names.num('m.room.member');
  const how = { wish, filter, member };
  const lists = rooms.map((room, i) => numbers(deps, reader, { room, span: spans[i] }, how));
  const needsSenders = filter.lazyMembers ? await lazySenders(deps, reader, rooms, how) : [];
  const wanted = lists.map((list, i) => {
    const timeline = wish.after ? undefined : rooms[i]?.timeline;
    return withoutShown(needsSenders[i] === undefined ? list : new Set([...list, ...needsSenders[i]]), timeline);
  });
  const now = loadedTogether(wanted);
  const events = await deps.events.load(wanted.filter((_, i) => now[i]).flat());
  return wanted.map((nums, i) =>
    now[i] === true
      ? { events: eventsOf(nums, events).filter((event) => passes(event, filter)), later: NO_NUMS }
      : { events: NO_EVENTS, later: nums },
  );
}

const NO_NUMS: readonly number[] = [];
const NO_EVENTS: readonly StoredEvent[] = [];

/** State events without those that a timeline shows. */
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

/** For each room the states in question; `undefined` where the timeline follows on what the client knows. */
async function spansOf(
  deps: RoomStateDeps,
  rooms: readonly TimedRoom[],
  wish: StateWish,
): Promise<(Span | undefined)[]> {
  const whole = (room: TimedRoom) => room.work.isNew || wish.fullState;
  const known = await knownSnapshots(
    deps,
    rooms.filter((room) => !whole(room) && needsSpan(room, wish)),
    wish,
  );
  const needed = rooms.map((room) => neededSnapshot(room, wish));
  const roots = await deps.states.snapshots([...known.values(), ...needed].filter((num) => num !== undefined));
  return rooms.map((room, i) => {
    const snapshot = needed[i];
    const root = snapshot === undefined ? undefined : roots.get(snapshot);
    if (root === undefined) return undefined;
    if (whole(room)) return { known: undefined, needed: root };
    const before = known.get(room.work.row.room);
    return before === undefined ? undefined : { known: roots.get(before), needed: root };
  });
}

/** The snapshots that clients have from their last sync, with one query. */
async function knownSnapshots(
  deps: RoomStateDeps,
  rooms: readonly TimedRoom[],
  wish: StateWish,
): Promise<ReadonlyMap<number, number>> {
  if (rooms.length === 0 || wish.since === undefined) return new Map();
  const last = await deps.timelines.lastAt(
    rooms.map(({ work }) => work.row.room),
    wish.since,
  );
  const events = await deps.events.load(last.values());
  return new Map(
    [...last].flatMap(([room, num]) => {
      const event = events.get(num);
      return event === undefined ? [] : [[room, event.snapshotAfter] as const];
    }),
  );
}

/**
 * The state before the timeline; where it does not show every state event, the one after it (less what it shows).
 * For a room that the user has left it is no later than the leaving; there is none for a room in which they never
 * were.
 */
function neededSnapshot({ timeline, work }: TimedRoom, wish: StateWish): number | undefined {
  const { first, last } = timeline;
  const { departure } = work;
  if (departure !== undefined && departure.ended === undefined) return undefined;
  const ended = departure?.ended;
  if (wish.after || timeline.hasHoles || first === undefined) return (ended ?? last)?.snapshotAfter;
  return ended !== undefined && first.num > ended.num ? ended.snapshotAfter : first.snapshot;
}

/** Whether the client may miss state although it has the timeline. */
function needsSpan({ timeline }: TimedRoom, wish: StateWish): boolean {
  return timeline.limited || timeline.hasHoles || wish.after;
}

interface How {
  readonly wish: StateWish;
  readonly filter: SyncFilter;
  readonly member: number;
}

/** The numbers of the state events of one room, lazy members apart. */
function numbers(
  deps: RoomStateDeps,
  reader: Reader,
  { room, span }: { room: TimedRoom; span: Span | undefined },
  how: How,
): number[] {
  const { work } = room;
  const own = work.departure?.member;
  const list = stateOf(span).filter(
    ({ type, stateKey }) => own === undefined || type !== how.member || stateKey !== reader.user,
  );
  const isNeeded = lazyTest(deps, reader, work, list, how);
  const nums = list.filter(isNeeded).map(({ event }) => event);
  // A membership change after the leaving, such as the rejection of another invitation, replaces the member event.
  return own === undefined ? nums : [...nums, own.num];
}

function stateOf(span: Span | undefined): readonly StateEntry[] {
  if (span === undefined) return [];
  return span.known === undefined ? entries(span.needed) : difference(span.known, span.needed);
}

/**
 * Returns the test for the state that a client with lazy members gets: of a new room the own member event, later the
 * changes of members that it has, or of all if that is not known.
 */
function lazyTest(
  { lazyMembers }: RoomStateDeps,
  reader: Reader,
  { isNew, row: { room } }: RoomWork,
  list: readonly StateEntry[],
  { wish: { lazy, fullState }, filter, member }: How,
): (entry: StateEntry) => boolean {
  if (!filter.lazyMembers || lazy === undefined) return () => true;
  if (isNew) lazyMembers.begin(lazy, room);
  const isWhole = isNew || fullState;
  const isUnknown = !isWhole && !lazyMembers.isComplete(lazy, room);
  const isNeeded = ({ type, stateKey }: StateEntry) =>
    type !== member || stateKey === reader.user || isUnknown || lazyMembers.has(lazy, room, stateKey);
  const members = list.filter((entry) => entry.type === member && isNeeded(entry));
  lazyMembers.news(
    lazy,
    room,
    members.map(({ stateKey, event }) => [stateKey, event] as const),
  );
  return isNeeded;
}

async function heroesIn(deps: RoomStateDeps, room: number, user: number): Promise<number[]> {
  const head = await deps.heads.byNum(room);
  return (head === undefined ? undefined : await heroesOf(deps, head, user)) ?? [];
}

/** The member events that each timeline cannot do without and that the device does not have yet. */
async function lazySenders(
  deps: RoomStateDeps,
  reader: Reader,
  rooms: readonly TimedRoom[],
  how: How,
): Promise<number[][]> {
  const snapshots = rooms.map((room) => neededSnapshot(room, how.wish));
  const roots = await deps.states.snapshots(snapshots.filter((num) => num !== undefined));
  const places: { readonly room: TimedRoom; readonly root: NodeRef; readonly keys: readonly StateKeyNums[] }[] = [];
  for (const [i, room] of rooms.entries()) {
    const root = roots.get(snapshots[i] ?? -1);
    const users = root === undefined ? [] : await lazyUsers(deps, reader, room, how);
    const keys = Array.from(users, (stateKey) => ({ type: how.member, stateKey }));
    places.push({ room, root: root ?? emptyState(), keys });
  }
  await deps.states.loadPlaces(places);
  return places.map(({ room, root, keys }) => lazyMembers(deps, room, { root, keys, how }));
}

/** The member events of these users that the device does not have yet. */
function lazyMembers(
  deps: RoomStateDeps,
  { work, timeline }: TimedRoom,
  { root, keys, how }: { readonly root: NodeRef; readonly keys: readonly StateKeyNums[]; readonly how: How },
): number[] {
  const members = keys.flatMap(({ type, stateKey }) => {
    const num = lookup(root, type, stateKey);
    return num === undefined || num === NOT_LOADED ? [] : [[stateKey, num] as const];
  });
  const { lazy } = how.wish;
  if (lazy === undefined) return members.map(([, num]) => num);
  const fresh = deps.lazyMembers.news(lazy, work.row.room, members);
  deps.lazyMembers.news(lazy, work.row.room, membersIn(timeline));
  const all = how.filter.redundantMembers || work.isNew || how.wish.fullState;
  return members.filter(([user]) => all || fresh.has(user)).map(([, num]) => num);
}

/**
 * The senders, and those by whom the room is called if that may have changed. Where the timeline does not count as state
 * (`use_state_after`) also those whose membership it changes.
 */
async function lazyUsers(deps: RoomStateDeps, reader: Reader, room: TimedRoom, how: How): Promise<Set<number>> {
  const { work, timeline } = room;
  const users = new Set(timeline.shown.map(({ event }) => event.senderNum));
  if (how.wish.after) for (const [user] of membersIn(timeline)) users.add(user);
  if (work.isNew || how.wish.fullState || maySummaryChange(timeline)) {
    for (const hero of await heroesIn(deps, work.row.room, reader.user)) users.add(hero);
  }
  return users;
}

/** The member events that a timeline shows, by user. */
function membersIn({ shown }: RoomTimeline): (readonly [user: number, event: number])[] {
  return shown.flatMap(({ event }) =>
    event.type === 'm.room.member' && event.stateKeyNum !== null ? [[event.stateKeyNum, event.num] as const] : [],
  );
}
