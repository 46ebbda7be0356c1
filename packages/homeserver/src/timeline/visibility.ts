import { historyVisibility, mayRead } from '@hearth/protocol/visibility/visibility.ts';
import type { Retention } from '../retention/retention.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { StateStore } from '../storage/state/state-store.ts';

/** The stores that deciding about visibility reads. */
export interface VisibilityDeps {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly userRooms: UserRooms;
  readonly retention: Retention;
}

/** An event that a user may read, with the user's membership at that time (client-server API, "unsigned.membership"). */
export interface VisibleEvent {
  readonly event: StoredEvent;
  readonly membership: string;
}

/** Decides which events of a room a user may read (client-server API, "Room History Visibility"). */
export class Visibility {
  readonly #parts: VisibilityDeps;

  constructor(parts: VisibilityDeps) {
    this.#parts = parts;
  }

  /** Returns those of a room's events that a user may read, in the same order. */
  async visibleTo(user: number, room: number, events: readonly StoredEvent[]): Promise<VisibleEvent[]> {
    return visibleEvents(this.#parts, user, room, events);
  }
}

/**
 * Those of a room's events that a user may read, in the same order (client-server API, "Room History Visibility").
 * Events since the user's join cost nothing; for older ones the state before each is asked, with a few queries for all.
 */
export function visibleEvents(
  deps: VisibilityDeps,
  user: number,
  room: number,
  all: readonly StoredEvent[],
): VisibleEvent[] | Promise<VisibleEvent[]> {
  const row = deps.retention.isActive ? undefined : deps.userRooms.cached(user)?.get(room);
  if (row?.membership === 'join' && all.every(({ num }) => num > row.event)) return all.map(joined);
  return judgeAll(deps, user, room, all);
}

/**
 * Brings into memory, with a few queries for the events of many rooms, what {@link visibleEvents} would otherwise ask for room
 * by room.
 */
export async function prepareVisibility(
  deps: VisibilityDeps,
  user: number,
  events: Iterable<StoredEvent>,
): Promise<void> {
  const rows = await deps.userRooms.of(user);
  const older: StoredEvent[] = [];
  for (const event of events) {
    const row = rows.get(event.room);
    if (row?.membership !== 'join' || event.num <= row.event) older.push(event);
  }
  if (older.length === 0) return;
  await deps.events.load(new Set(older.flatMap(({ room }) => rows.get(room)?.event ?? [])));
  await stateBefore(deps, user, older);
}

function joined(event: StoredEvent): VisibleEvent {
  return { event, membership: 'join' };
}

async function judgeAll(
  deps: VisibilityDeps,
  user: number,
  room: number,
  all: readonly StoredEvent[],
): Promise<VisibleEvent[]> {
  const events = deps.retention.isActive ? await deps.retention.withoutExpired(room, all) : all;
  const row = await deps.userRooms.one(user, room);
  const since = row?.membership === 'join' ? row.event : Number.POSITIVE_INFINITY;
  if (events.every(({ num }) => num > since)) return events.map(joined);
  const older = events.filter(({ num }) => num <= since);
  const judged = await judge(deps, user, row, older);
  return events.flatMap((event) => {
    if (event.num > since) return joined(event);
    const membership = judged.get(event.num);
    return membership === undefined ? [] : { event, membership };
  });
}

/** The user's membership at each event that they may read. */
async function judge(
  deps: VisibilityDeps,
  user: number,
  row: MembershipRow | undefined,
  events: readonly StoredEvent[],
): Promise<Map<number, string>> {
  const lastJoin = await lastJoinOf(deps, row);
  const before = await stateBefore(deps, user, events);
  const judged = new Map<number, string>();
  for (const event of events) {
    const { visibility, membership } = before.get(event.snapshot) ?? {};
    const isOwnMembership = event.type === 'm.room.member' && event.stateKeyNum === user;
    const after = isOwnMembership ? membershipOf(event) : undefined;
    const readable = mayRead({
      visibility: historyVisibility(visibility?.content.history_visibility),
      ...(event.type === 'm.room.history_visibility' && event.stateKey === ''
        ? { visibilityAfter: historyVisibility(event.content.history_visibility) }
        : {}),
      membership: membership === undefined ? undefined : membershipOf(membership),
      membershipAfter: after,
      joinedLater: event.num < lastJoin,
    });
    // A user always learns of their own leaving, kicking and banning, and of an invite.
    if (readable || isOwnMembership)
      judged.set(event.num, after ?? (membership === undefined ? 'leave' : membershipOf(membership)));
  }
  return judged;
}

/** The number of the member event by which the user joined last; 0 for one who never did. */
async function lastJoinOf(deps: VisibilityDeps, row: MembershipRow | undefined): Promise<number> {
  let num: number | null = row?.event ?? null;
  while (num !== null) {
    const event = await deps.events.one(num);
    if (event === undefined) return 0;
    if (event.content.membership === 'join') return num;
    num = event.replaces;
  }
  return 0;
}

interface Before {
  readonly visibility: StoredEvent | undefined;
  readonly membership: StoredEvent | undefined;
}

/** The visibility and the user's membership in each snapshot that the events follow. */
async function stateBefore(
  deps: VisibilityDeps,
  user: number,
  events: readonly StoredEvent[],
): Promise<ReadonlyMap<number, Before>> {
  const keys = [
    { type: await deps.names.num('m.room.history_visibility'), stateKey: await deps.names.num('') },
    { type: await deps.names.num('m.room.member'), stateKey: user },
  ];
  const snapshots = [...(await deps.states.snapshots(events.map(({ snapshot }) => snapshot)))];
  const found = await deps.states.lookupMany(
    snapshots.map(([, root]) => root),
    keys,
  );
  const state = await deps.events.load(new Set(found.flat().filter((num) => num !== undefined)));
  const event = (num: number | undefined) => (num === undefined ? undefined : state.get(num));
  return new Map(
    snapshots.map(([num], i) => [num, { visibility: event(found[i]?.[0]), membership: event(found[i]?.[1]) }]),
  );
}
