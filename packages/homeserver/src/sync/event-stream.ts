import type { AccountData } from '../account-data/account-data.ts';
import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import type { Cancellation } from '../platform/cancellation.ts';
import type { Clock } from '../platform/clock.ts';
import type { Presences } from '../presence/presence.ts';
import { type AccessDeps, roomAccess } from '../rooms/access.ts';
import type { Change, Stream } from '../storage/stream.ts';
import type { TimelineStore } from '../storage/timeline-store.ts';
import { type HydrateDeps, type Reader, readerOf, type Shown } from '../timeline/hydrate.ts';
import { streamToken } from '../timeline/position.ts';
import { type VisibilityDeps, visibleEvents } from '../timeline/visibility.ts';
import type { ChangeLog } from './change-log.ts';
import type { EphemeralDeps } from './ephemeral.ts';
import { legacyTexts } from './legacy-texts.ts';
import type { Interest, Notifier } from './notifier.ts';

export interface EventStreamDeps extends AccessDeps, HydrateDeps, VisibilityDeps, EphemeralDeps {
  readonly clock: Clock;
  readonly stream: Stream;
  readonly recent: ChangeLog;
  readonly notifier: Notifier;
  readonly timelines: TimelineStore;
  readonly accountData: AccountData;
  readonly ignoredUsers: IgnoredUsers;
  readonly presences: Presences;
  readonly events: HydrateDeps['events'];
  readonly names: HydrateDeps['names'];
}

/** A request for the stream of events from before `/sync`. */
export interface EventStreamRequest {
  readonly user: number;
  readonly device: number;
  /** Where to go on; at the end of the stream if absent. */
  readonly from: number | undefined;
  /** The rooms to listen to; all joined rooms if absent. */
  readonly roomIds: readonly string[] | undefined;
  readonly limit: number | undefined;
  readonly timeoutMs: number;
  /** For when the client has gone; only asked for by a request that waits. */
  readonly cancellation: () => Cancellation;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;
/** That stream has never carried what is for devices, nor anything about following threads. */
const UNTOLD: ReadonlySet<Change['kind']> = new Set(['device-list', 'to-device', 'thread-subscription']);

/**
 * `GET /events`: what has happened since a token, in the order in which it happened (client-server API, "Listen on the
 * event stream", and for rooms that the caller has not joined "Guest Access"). Waits if there is nothing.
 * @throws MatrixError M_FORBIDDEN for a room that the caller may not read
 */
export async function eventStream(deps: EventStreamDeps, request: EventStreamRequest): Promise<string> {
  const rooms = request.roomIds === undefined ? undefined : await readableRooms(deps, request.roomIds, request.user);
  const interest: Interest = rooms === undefined ? { user: request.user } : { user: request.user, rooms };
  const deadline = deps.clock.elapsed() + request.timeoutMs;
  const from = request.from ?? deps.stream.current;
  const limit = Math.min(request.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
  // A token from the future, as after a restored backup, is one for now.
  let position = Math.min(from, deps.stream.current);
  for (;;) {
    const upTo = deps.stream.current;
    const { texts, end } = await happenings(deps, request, interest, { from: position, upTo, limit });
    const waitMs = deadline - deps.clock.elapsed();
    if (texts.length > 0 || waitMs <= 0) {
      return `{"start":"${streamToken(from)}","end":"${streamToken(end)}","chunk":[${texts.join(',')}]}`;
    }
    position = end;
    if (end === upTo) {
      const cancellation = request.cancellation();
      await deps.notifier.wait(interest, upTo, waitMs, cancellation);
      if (cancellation.isCancelled) return `{"start":"${streamToken(from)}","end":"${streamToken(end)}","chunk":[]}`;
    }
    // Somebody who was removed from the room while waiting hears no more of it.
    if (request.roomIds !== undefined) await readableRooms(deps, request.roomIds, request.user);
  }
}

async function readableRooms(deps: EventStreamDeps, roomIds: readonly string[], user: number): Promise<Set<number>> {
  const rooms = new Set<number>();
  for (const roomId of roomIds) rooms.add((await roomAccess(deps, roomId, user)).head.num);
  return rooms;
}

interface Window {
  readonly from: number;
  readonly upTo: number;
  readonly limit: number;
}

/** The next happenings as JSON texts, and how far they go. */
async function happenings(
  deps: EventStreamDeps,
  request: EventStreamRequest,
  { rooms }: Interest,
  window: Window,
): Promise<{ texts: string[]; end: number }> {
  const rows = await deps.userRooms.of(request.user);
  const isOfInterest = (change: Change): boolean => {
    if (rooms !== undefined) return 'room' in change && change.room !== null && rooms.has(change.room);
    if (UNTOLD.has(change.kind)) return false;
    if (change.kind !== 'event')
      return !('room' in change) || change.room === null || rows.get(change.room)?.membership === 'join';
    const row = rows.get(change.room);
    return row?.membership === 'join' || row?.event === change.event;
  };
  const all = (await changesAfter(deps, rooms ?? joinedRooms(rows), window)).filter(isOfInterest);
  const chosen = all.slice(0, window.limit);
  const end = all.length > chosen.length ? (chosen.at(-1)?.position ?? window.upTo) : window.upTo;
  if (chosen.length === 0) return { texts: [], end };
  const reader = readerOf(request, await deps.ignoredUsers.of(request.user));
  return { texts: await legacyTexts(deps, reader, chosen, await shownEvents(deps, reader, chosen)), end };
}

function joinedRooms(rows: ReadonlyMap<number, { room: number; membership: string }>): Set<number> {
  return new Set([...rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room));
}

/** From memory; for a token from long ago from the database, which has the events but nothing that passes. */
async function changesAfter(
  deps: EventStreamDeps,
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
  deps: EventStreamDeps,
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
