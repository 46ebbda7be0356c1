import type { AccountData } from '../account-data/account-data.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { Presences } from '../presence/presence.ts';
import type { Heads } from '../rooms/heads.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import type { Change } from '../storage/stream.ts';
import type { TimelineStore } from '../storage/timeline-store.ts';
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

/** Who listens. */
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

/** That stream has never carried what is for devices, nor anything about following threads. */
const UNTOLD: ReadonlySet<Change['kind']> = new Set(['device-list', 'to-device', 'thread-subscription']);

/** What of the stream is told. */
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
  const changes = await changesAfter(deps, rooms?.all ?? joinedRooms(rows), window);
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

/** From memory; for a token from long ago from the database, which has the events but nothing that passes. */
async function changesAfter(
  deps: HappeningsDeps,
  rooms: ReadonlySet<number>,
  { from, upTo, limit }: Window,
): Promise<Change[]> {
  const recent = deps.recent.since(from);
  if (recent !== undefined) return recent.filter(({ position }) => position <= upTo);
  const nums = await deps.timelines.after([...rooms], from, limit + 1);
  const events = await deps.events.list(nums.filter((num) => num <= upTo));
  return events.map(({ num, room }) => ({ kind: 'event', position: num, room, event: num }));
}

/** Those of the events that the reader may see, by number. */
async function shownEvents(
  deps: HappeningsDeps,
  reader: Reader,
  changes: readonly Change[],
): Promise<ReadonlyMap<number, Shown>> {
  const nums = changes.flatMap((change) => (change.kind === 'event' ? change.event : []));
  const events = (await deps.events.list(nums)).filter(
    (event) => event.isState || !reader.ignored.has(event.senderNum),
  );
  const shown = new Map<number, Shown>();
  for (const [room, inRoom] of Map.groupBy(events, (event) => event.room)) {
    for (const visible of await visibleEvents(deps, reader.user, room, inRoom)) shown.set(visible.event.num, visible);
  }
  return shown;
}
