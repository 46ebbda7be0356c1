import type { AccountData } from '../account-data/account-data.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { Presences } from '../presence/presence.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Change } from '../storage/engine/stream.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import { type HydrateDeps, type Reader, readerOf, type Shown } from '../timeline/hydrate.ts';
import { type VisibilityDeps, visibleEvents } from '../timeline/visibility.ts';
import { type ChangeLog, isForMember } from './change-log.ts';
import type { EphemeralDeps } from './ephemeral.ts';
import { legacyTexts } from './legacy-texts.ts';

export interface HappeningsDeps extends HydrateDeps, VisibilityDeps, EphemeralDeps {
  readonly heads: Heads;
  readonly recent: ChangeLog;
  readonly timelines: TimelineStore;
  readonly accountData: AccountData;
  readonly ignoredUsers: IgnoredUsers;
  readonly presences: Presences;
}

/** The listening user. */
export interface Listener {
  readonly user: number;
  readonly device: number;
}

/** Rooms that a listener has named. */
export interface ListenedRooms {
  readonly all: ReadonlySet<number>;
  /** Those that the listener may look into now: of others they are told no more than the events that they may see. */
  readonly open: ReadonlySet<number>;
}

type Rows = ReadonlyMap<number, MembershipRow>;

/** The stream of the first API has never carried messages to devices or thread subscriptions. */
const UNTOLD: ReadonlySet<Change['kind']> = new Set(['device-list', 'to-device', 'thread-subscription']);

/** The part of the stream that is delivered. */
export interface Window {
  readonly from: number;
  readonly upTo: number;
  readonly limit: number;
}

/** The next happenings as JSON texts, and how far they go. */
export interface Happenings {
  readonly texts: readonly string[];
  readonly end: number;
}

/** @param rooms those that are listened to; all that the user has joined if absent */
export async function happenings(
  deps: HappeningsDeps,
  listener: Listener,
  rooms: ListenedRooms | undefined,
  window: Window,
): Promise<Happenings> {
  const rows = await deps.userRooms.of(listener.user);
  if (rooms !== undefined) await deps.heads.ensure([...rooms.open]);
  const changes = await changesAfter(deps, listener.user, rooms, rows, window);
  const all = changes.filter((change) => isOfInterest(deps, change, rooms, rows));
  const chosen = all.slice(0, window.limit);
  const end = all.length > chosen.length ? (chosen.at(-1)?.position ?? window.upTo) : window.upTo;
  if (chosen.length === 0) return { texts: [], end };
  const reader = readerOf(listener, await deps.ignoredUsers.of(listener.user));
  const shown = await shownEvents(deps, reader, chosen);
  return { texts: await legacyTexts(deps, reader, chosen, { shown, isNamed: rooms !== undefined }), end };
}

/** Whether the stream tells of a change; `rows` are the listener's memberships. */
export function isOfInterest(
  { heads }: Pick<HappeningsDeps, 'heads'>,
  change: Change,
  rooms: ListenedRooms | undefined,
  rows: Rows,
): boolean {
  const room = 'room' in change ? change.room : null;
  if (rooms === undefined) {
    if (UNTOLD.has(change.kind)) return false;
    return room === null || isForMember(change, room, rows);
  }
  if (change.kind === 'presence') return isMemberOf(heads, change.user, rooms.open);
  if (room === null) return false;
  return change.kind === 'event' ? rooms.all.has(room) : rooms.open.has(room);
}

/** Whether a user has joined any of some rooms, whose heads are in memory. */
export function isMemberOf(heads: Heads, user: number, rooms: ReadonlySet<number>): boolean {
  for (const room of rooms) if (heads.cached(room)?.joined.has(user) === true) return true;
  return false;
}

function joinedRooms(rows: Rows): Set<number> {
  return new Set([...rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room));
}

/** The events by which the user's memberships of rooms outside have changed, such as their leaving. */
function ownMoves(rows: Rows, { from, upTo }: Window): Change[] {
  return [...rows.values()]
    .filter(({ membership, event }) => membership !== 'join' && event > from && event <= upTo)
    .map(({ room, event }) => ({ kind: 'event', position: event, room, event }));
}

/** Returns the changes after a position that may be of interest; `undefined` when some may be forgotten. */
export function changesFor(
  recent: ChangeLog,
  user: number,
  { rooms, rows }: { readonly rooms: ListenedRooms | undefined; readonly rows: Rows },
  from: number,
): readonly Change[] | undefined {
  return rooms === undefined ? recent.concerning(user, rows, from) : recent.inRooms(user, rooms.all, from);
}

/** From memory; for a token from long ago from the database, which has the events but nothing that passes. */
async function changesAfter(
  deps: HappeningsDeps,
  user: number,
  rooms: ListenedRooms | undefined,
  rows: Rows,
  window: Window,
): Promise<Change[]> {
  const { from, upTo, limit } = window;
  const recent = changesFor(deps.recent, user, { rooms, rows }, from);
  if (recent !== undefined) return recent.filter(({ position }) => position <= upTo);
  const nums = await deps.timelines.after([...(rooms?.all ?? joinedRooms(rows))], from, limit + 1);
  const events = await deps.events.list(nums.filter((num) => num <= upTo));
  const changes = events.map(({ num, room }): Change => ({ kind: 'event', position: num, room, event: num }));
  if (rooms !== undefined) return changes;
  return [...changes, ...ownMoves(rows, window)].sort((a, b) => a.position - b.position);
}

/** Users are told of no invitations by those whom they ignore (client-server API, "Ignoring Users"). */
function isInvitation({ type, stateKeyNum, content }: StoredEvent, user: number): boolean {
  return type === 'm.room.member' && stateKeyNum === user && content.membership === 'invite';
}

/** Those of the events that the reader may see, by number. */
async function shownEvents(
  deps: HappeningsDeps,
  reader: Reader,
  changes: readonly Change[],
): Promise<ReadonlyMap<number, Shown>> {
  const nums = changes.flatMap((change) => (change.kind === 'event' ? change.event : []));
  const events = (await deps.events.list(nums)).filter(
    (event) => !reader.ignored.has(event.senderNum) || (event.isState && !isInvitation(event, reader.user)),
  );
  const shown = new Map<number, Shown>();
  for (const [room, inRoom] of Map.groupBy(events, (event) => event.room)) {
    for (const visible of await visibleEvents(deps, reader.user, room, inRoom)) shown.set(visible.event.num, visible);
  }
  return shown;
}
