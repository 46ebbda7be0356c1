import type { Names } from '../../storage/engine/names.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { difference, entries, lookup, NOT_LOADED } from '../../storage/state/state-tree.ts';
import type { Reader, Shown } from '../../timeline/hydrate.ts';
import type { LazyChain, LazyMembersCache } from '../lazy-members-cache.ts';
import type { RoomTimeline } from '../room-timeline.ts';
import type { RoomSpan } from './room-span.ts';
import type { StateSelection, selectionsOf } from './state-selection.ts';

export interface RequiredStateDeps {
  readonly names: Names;
  readonly states: StateStore;
  readonly events: { load(nums: Iterable<number>): Promise<ReadonlyMap<number, StoredEvent>> };
  readonly timelines: TimelineStore;
  readonly slidingMembers: LazyMembersCache;
}

/** A room with the timeline that was chosen for it. */
export interface TimedSpan {
  readonly span: RoomSpan;
  readonly timeline: RoomTimeline;
}

/** The state that a room's answer carries. */
export interface RoomState {
  readonly events: readonly StoredEvent[];
  /** The room's state as the client has it now. */
  readonly root: NodeRef | undefined;
}

interface Request {
  readonly lazy: LazyChain;
  readonly reader: Reader;
  readonly selections: Awaited<ReturnType<typeof selectionsOf>>;
}

interface Roots {
  readonly known: NodeRef | undefined;
  readonly needed: NodeRef;
}

/**
 * The state for each room, in their order: for a new room whatever is wanted of it, later what of that has changed
 * (MSC4186, `required_state`). All states are loaded together.
 */
export async function requiredStates(
  deps: RequiredStateDeps,
  request: Request,
  rooms: readonly TimedSpan[],
): Promise<readonly RoomState[]> {
  const roots = await rootsOf(deps, rooms);
  const member = await deps.names.num('m.room.member');
  const lazy = rooms.map((room) => lazyUsers(room, request));
  await loadNodes(deps, rooms, { roots, lazy, member, request });
  const nums = rooms.map((room, i) => {
    const root = roots[i];
    if (root === undefined) return [];
    const changed = changedState(room, root, { request, member, deps });
    return [...changed, ...lazyMembers(deps, room, root, { request, member, users: lazy[i] ?? NOBODY })];
  });
  const events = await deps.events.load(new Set(nums.flat()));
  return nums.map((list, i) => ({
    events: [...new Set(list)].flatMap((num) => events.get(num) ?? []),
    root: roots[i]?.needed,
  }));
}

const NOBODY: ReadonlySet<number> = new Set();

/** For each room the state that the client has, unless it gets all of it, and the state after its timeline. */
async function rootsOf(deps: RequiredStateDeps, rooms: readonly TimedSpan[]): Promise<(Roots | undefined)[]> {
  // For a room that the user has left, the state at the leaving; none for a room in which they never were.
  const ends = rooms.map(({ span: { work }, timeline }) =>
    work.departure === undefined ? timeline.last?.snapshotAfter : work.departure.ended?.snapshotAfter,
  );
  const begins = await beginsOf(deps, rooms);
  const snapshots = await deps.states.snapshots([...ends, ...begins].filter((num) => num !== undefined));
  return rooms.map((_, i) => {
    const needed = snapshots.get(ends[i] ?? -1);
    return needed === undefined ? undefined : { needed, known: snapshots.get(begins[i] ?? -1) };
  });
}

/** The snapshots that the client has of its rooms. */
async function beginsOf(deps: RequiredStateDeps, rooms: readonly TimedSpan[]): Promise<(number | undefined)[]> {
  const begins: (number | undefined)[] = rooms.map(() => undefined);
  const asked = new Map<number, number[]>();
  for (const [i, { span, timeline }] of rooms.entries()) {
    const { from } = span;
    if (from === undefined) continue;
    const next = timeline.considered.find(({ num }) => num > from);
    // Nothing considered is new: the client has what is there. Where nothing is missing, the state before what is new.
    if (next === undefined) begins[i] = timeline.last?.snapshotAfter;
    else if (next !== timeline.considered[0] || !(span.work.limited || span.isExpanded)) begins[i] = next.snapshot;
    else asked.set(from, [...(asked.get(from) ?? []), i]);
  }
  for (const [from, indexes] of asked) {
    const last = await deps.timelines.lastAt(
      indexes.map((i) => rooms[i]?.span.row.room ?? 0),
      from,
    );
    const events = await deps.events.load(last.values());
    for (const i of indexes) begins[i] = events.get(last.get(rooms[i]?.span.row.room ?? 0) ?? -1)?.snapshotAfter;
  }
  return begins;
}

interface Shared {
  readonly request: Request;
  readonly member: number;
}

async function loadNodes(
  deps: RequiredStateDeps,
  rooms: readonly TimedSpan[],
  {
    roots,
    lazy,
    member,
    request,
  }: Shared & { readonly roots: readonly (Roots | undefined)[]; readonly lazy: readonly ReadonlySet<number>[] },
): Promise<void> {
  const whole: NodeRef[] = [];
  const places: { root: NodeRef; keys: { type: number; stateKey: number }[] }[] = [];
  for (const [i, { span }] of rooms.entries()) {
    const root = roots[i];
    if (root === undefined) continue;
    const listed = request.selections.get(span.config.state)?.places;
    const isDifference = root.known !== undefined && root.known.hash !== root.needed.hash;
    if (isDifference && root.known !== undefined) whole.push(root.known, root.needed);
    else if ((root.known === undefined || span.oldState !== undefined) && listed === undefined) whole.push(root.needed);
    const members = [...(lazy[i] ?? [])].map((stateKey) => ({ type: member, stateKey }));
    places.push({ root: root.needed, keys: [...(listed ?? []), ...members] });
  }
  await deps.states.loadAll(whole);
  await deps.states.loadPlaces(places);
}

/** The numbers of the wanted state events that the client does not have. */
function changedState(
  { span }: TimedSpan,
  { known, needed }: Roots,
  { request, member, deps }: Shared & { readonly deps: RequiredStateDeps },
): number[] {
  const selection = request.selections.get(span.config.state);
  if (selection === undefined) return [];
  const { room } = span.row;
  if (span.from === undefined) {
    deps.slidingMembers.begin(request.lazy, room);
    return wantedOf(needed, selection);
  }
  const old = span.oldState === undefined ? undefined : request.selections.get(span.oldState);
  const added = old === undefined ? [] : wantedOf(needed, selection, (type, stateKey) => !old.includes(type, stateKey));
  if (known === undefined || known.hash === needed.hash) return added;
  // The client keeps up with the members that it has; where those are not known, with all.
  const isUnknown = !deps.slidingMembers.isComplete(request.lazy, room);
  const isLazy = (type: number, stateKey: number) =>
    selection.lazyMembers && type === member && (isUnknown || deps.slidingMembers.has(request.lazy, room, stateKey));
  const changed = difference(known, needed).filter(
    ({ type, stateKey }) => selection.includes(type, stateKey) || isLazy(type, stateKey),
  );
  const members = changed.filter(({ type, stateKey }) => isLazy(type, stateKey));
  deps.slidingMembers.news(
    request.lazy,
    room,
    members.map(({ stateKey, event }) => [stateKey, event] as const),
  );
  return [...changed.map(({ event }) => event), ...added];
}

function wantedOf(
  root: NodeRef,
  selection: StateSelection,
  also: (type: number, stateKey: number) => boolean = () => true,
): number[] {
  const { places } = selection;
  if (places === undefined) {
    return entries(root).flatMap(({ type, stateKey, event }) =>
      selection.includes(type, stateKey) && also(type, stateKey) ? event : [],
    );
  }
  return places.flatMap(({ type, stateKey }) => (also(type, stateKey) ? (eventAt(root, type, stateKey) ?? []) : []));
}

function lazyMembers(
  deps: RequiredStateDeps,
  { span }: TimedSpan,
  { needed }: Roots,
  { request, member, users }: Shared & { readonly users: ReadonlySet<number> },
): number[] {
  const members = [...users].flatMap((user) => {
    const num = eventAt(needed, member, user);
    return num === undefined ? [] : [[user, num] as const];
  });
  const fresh = deps.slidingMembers.news(request.lazy, span.row.room, members);
  return members.filter(([user]) => span.from === undefined || fresh.has(user)).map(([, num]) => num);
}

/** The users whom the timeline shows: who sends, and whose membership changes. */
function lazyUsers({ span, timeline }: TimedSpan, { selections }: Request): ReadonlySet<number> {
  if (selections.get(span.config.state)?.lazyMembers !== true) return NOBODY;
  return usersIn(timeline.shown);
}

function usersIn(shown: readonly Shown[]): Set<number> {
  const users = new Set<number>();
  for (const { event } of shown) {
    users.add(event.senderNum);
    if (event.type === 'm.room.member' && event.stateKeyNum !== null) users.add(event.stateKeyNum);
  }
  return users;
}

/** The event of a state at a key whose nodes are loaded. */
export function eventAt(root: NodeRef, type: number, stateKey: number): number | undefined {
  const event = lookup(root, type, stateKey);
  if (event === NOT_LOADED) throw new Error('a state node vanished while it was read');
  return event;
}
