import type { KeyDirectory } from '../encryption/key-directory.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import { readDeviceListChanges } from '../storage/encryption/device-lists.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Change } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { MembershipRow, MembershipStore } from '../storage/rooms/membership-store.ts';
import type { ChangeLog } from './change-log.ts';

export interface DeviceListDeps {
  readonly database: Database;
  readonly recent: ChangeLog;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly memberships: MembershipStore;
  readonly keyDirectory: KeyDirectory;
}

/** Users whose public keys a client has to fetch anew, and those whose keys it need not follow any longer. */
export interface DeviceListNews {
  readonly changed: ReadonlySet<number>;
  readonly left: ReadonlySet<number>;
}

export const NO_DEVICE_LIST_NEWS: DeviceListNews = { changed: new Set(), left: new Set() };

const NOBODY: ReadonlySet<number> = new Set();

type Rows = ReadonlyMap<number, MembershipRow>;

interface Range {
  readonly since: number;
  readonly upTo: number;
}

/**
 * The device list changes for a user between two positions (client-server API, "Tracking the device list for a user"): keys of
 * those who share a room, users with whom a room is shared now, and users with whom none is shared any longer. From
 * memory when nobody has come or gone; `rows` are the user's memberships.
 */
export function deviceListNews(
  deps: DeviceListDeps,
  user: number,
  rows: Rows,
  range: Range,
): DeviceListNews | Promise<DeviceListNews> {
  const recent = deps.recent.concerning(user, rows, range.since);
  if (recent === undefined) return oldNews(deps, user, rows, range);
  const changed = new Set<number>();
  const rooms = new Set<number>();
  for (const change of recent) {
    if (change.position > range.upTo) break;
    if (change.kind === 'event') {
      if (rows.has(change.room) && mayMove(deps, change)) rooms.add(change.room);
    } else if (change.kind === 'device-list' && (change.onlyFor ?? user) === user) changed.add(change.user);
  }
  if (changed.size === 0 && rooms.size === 0) return NO_DEVICE_LIST_NEWS;
  return news(deps, user, rows, range, { changed, rooms });
}

/** For clients that were away. */
async function oldNews(deps: DeviceListDeps, user: number, rows: Rows, range: Range): Promise<DeviceListNews> {
  const changed = new Set(await readDeviceListChanges(deps.database, range.since, range.upTo));
  for (const { user_num, position } of (await deps.keyDirectory.signaturesBy(user)).values()) {
    if (position > range.since && position <= range.upTo) changed.add(user_num);
  }
  const here = [...rows.values()].filter((row) => row.membership === 'join' || row.event > range.since);
  return news(deps, user, rows, range, { changed, rooms: new Set(here.map(({ room }) => room)) });
}

function mayMove({ events }: DeviceListDeps, { event }: Change & { kind: 'event' }): boolean {
  const type = events.cached(event)?.type;
  return type === undefined || type === 'm.room.member';
}

/** @param found users whose keys have changed, and the rooms in which somebody may have come or gone */
async function news(
  deps: DeviceListDeps,
  user: number,
  rows: Rows,
  range: Range,
  found: { readonly changed: ReadonlySet<number>; readonly rooms: ReadonlySet<number> },
): Promise<DeviceListNews> {
  const { come, gone } = await movements(deps, user, rows, range, found.rooms);
  const asked = new Set([...found.changed, ...come, ...gone]);
  const known = await sharing(deps, user, rows, asked);
  const changed = new Set([...found.changed, ...come].filter((other) => other === user || known.has(other)));
  const left = new Set([...gone].filter((other) => !known.has(other)));
  return { changed, left };
}

/** The users who have joined or left a room that the user is in, and the users of rooms that the user has joined or left. */
async function movements(
  deps: DeviceListDeps,
  user: number,
  rows: Rows,
  range: Range,
  rooms: ReadonlySet<number>,
): Promise<{ come: ReadonlySet<number>; gone: ReadonlySet<number> }> {
  const come = new Set<number>();
  const gone = new Set<number>();
  if (rooms.size === 0) return { come, gone };
  const moves = await movesSince(deps, rooms, range);
  for (const room of rooms) {
    const inRoom = moves.get(room) ?? new Map<number, Move>();
    const own = inRoom.get(user);
    const isHere = rows.get(room)?.membership === 'join';
    if (own !== undefined && own.was !== own.is) {
      for (const other of (await deps.heads.byNum(room))?.joined ?? NOBODY) {
        // The user is not told who joins after the user has left.
        if (isHere) come.add(other);
        else if (inRoom.get(other)?.was !== false) gone.add(other);
      }
    }
    const wasHere = own?.was ?? isHere;
    for (const [other, { was, is }] of inRoom) {
      if (isHere && is && !was) come.add(other);
      if (wasHere && was && !is) gone.add(other);
    }
  }
  come.delete(user);
  gone.delete(user);
  return { come, gone };
}

/** Whether somebody was in a room at the beginning of a range, and is at its end. */
interface Move {
  readonly was: boolean;
  readonly is: boolean;
}

/** By room and user, whose membership of some rooms has changed since a position. */
async function movesSince(
  { memberships, events }: DeviceListDeps,
  rooms: ReadonlySet<number>,
  { since, upTo }: Range,
): Promise<ReadonlyMap<number, ReadonlyMap<number, Move>>> {
  const rows = await memberships.moved([...rooms], since);
  await events.load(rows.map(({ event }) => event));
  const moves = new Map<number, Map<number, Move>>();
  for (const { room, user, event } of rows) {
    const move = { was: await wasJoined(events, event, since), is: await wasJoined(events, event, upTo) };
    const inRoom = moves.get(room);
    if (inRoom === undefined) moves.set(room, new Map([[user, move]]));
    else inRoom.set(user, move);
  }
  return moves;
}

/** Whether the membership was `join` at a position, found by going back from event to event. */
async function wasJoined(events: EventStore, event: number, position: number): Promise<boolean> {
  let num: number | null = event;
  while (num !== null && num > position) num = (await events.one(num))?.replaces ?? null;
  const before = num === null ? undefined : await events.one(num);
  return before !== undefined && membershipOf(before) === 'join';
}

/** Those of some users who share a room with the user: from memory as far as it is known there, else by one query. */
async function sharing(
  deps: DeviceListDeps,
  user: number,
  rows: Rows,
  others: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  const unknown: number[] = [];
  for (const other of others) {
    if (other === user) continue;
    const theirs = deps.userRooms.cached(other);
    if (theirs === undefined) unknown.push(other);
    else if (shareRoom(rows, theirs)) found.add(other);
  }
  if (unknown.length === 0) return found;
  const joined = [...rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room);
  for (const other of await deps.memberships.joinedAny(unknown, joined)) found.add(other);
  return found;
}

function shareRoom(a: Rows, b: Rows): boolean {
  const [fewer, more] = a.size < b.size ? [a, b] : [b, a];
  for (const { room, membership } of fewer.values()) {
    if (membership === 'join' && more.get(room)?.membership === 'join') return true;
  }
  return false;
}
