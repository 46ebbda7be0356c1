import { notFound } from '@hearth/protocol/errors.ts';
import type { RoomEventFilter } from '../filters/filter.ts';
import { type AccessDeps, type RoomAccess, stateEventNums } from '../rooms/access.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { entries } from '../storage/state/state-tree.ts';
import type { HydrateDeps, Reader, Shown } from './hydrate.ts';
import { sendersOf } from './lazy-members.ts';
import { type MessagesDeps, messagesPage } from './messages.ts';
import { timelineToken } from './position.ts';
import { visibleEvents } from './visibility.ts';

export type ContextDeps = AccessDeps & HydrateDeps & MessagesDeps;

/** The events around an event (client-server API, "GET /rooms/{roomId}/context/{eventId}"). */
export interface EventContext {
  readonly before: readonly Shown[];
  readonly after: readonly Shown[];
  readonly start: string;
  readonly end: string;
  /** The state at the last of the events, by the numbers of its events. */
  readonly state: readonly number[];
}

const LIMIT_DEFAULT = 10;
const NOBODY: ReadonlySet<number> = new Set();

/**
 * An event that the user may read; with `roomId` only if it is in that room.
 * @throws MatrixError M_NOT_FOUND, also for an event that exists but is hidden from the user
 */
export async function readableEvent(
  deps: MessagesDeps,
  user: number,
  eventId: string,
  roomId?: string,
): Promise<Shown> {
  const event = await deps.events.byId(eventId);
  if (event === undefined || event.seq === null || (roomId !== undefined && event.roomId !== roomId)) {
    throw notFound('There is no such event');
  }
  const row = await deps.userRooms.one(user, event.room);
  const [visible] = row?.forgotten === true ? [] : await visibleEvents(deps, user, event.room, [event]);
  if (visible === undefined) throw notFound('There is no such event');
  return visible;
}

/** The events around one; `limit` is their number in both directions together. */
export async function eventContext(
  deps: ContextDeps,
  reader: Reader,
  access: RoomAccess,
  target: Shown,
  query: { readonly limit: number | undefined; readonly filter: RoomEventFilter | undefined },
): Promise<EventContext> {
  const { event } = target;
  const seq = event.seq ?? 0;
  const limit = query.limit ?? LIMIT_DEFAULT;
  const { filter } = query;
  const back = { dir: 'b', from: timelineToken(seq - 1), limit: Math.floor(limit / 2), filter } as const;
  const forth = { dir: 'f', from: timelineToken(seq), limit: Math.ceil(limit / 2), filter } as const;
  const before = await messagesPage(deps, reader, access, back);
  const after = await messagesPage(deps, reader, access, forth);
  const events = [...before.shown, target, ...after.shown].map((shown) => shown.event);
  const last = after.shown.at(-1)?.event ?? event;
  // Events after the leaving, such as another invitation, show nothing of the room.
  const stated = access.kind === 'past' && last.num > access.ended.num ? access.ended : last;
  const firstSeq = before.shown.at(-1)?.event.seq ?? seq;
  return {
    before: before.shown,
    after: after.shown,
    start: before.end ?? timelineToken(firstSeq - 1),
    end: after.end ?? timelineToken(last.seq ?? seq),
    state: filter?.lazy_load_members === true ? await lazyState(deps, stated, events) : await stateAfter(deps, stated),
  };
}

async function stateAfter(deps: ContextDeps, event: StoredEvent): Promise<readonly number[]> {
  const root = (await deps.states.snapshots([event.snapshotAfter])).get(event.snapshotAfter);
  return root === undefined ? [] : stateEventNums(deps, root);
}

async function lazyState(
  deps: ContextDeps,
  last: StoredEvent,
  events: readonly StoredEvent[],
): Promise<readonly number[]> {
  const root = (await deps.states.snapshots([last.snapshotAfter])).get(last.snapshotAfter);
  if (root === undefined) return [];
  const member = await deps.names.num('m.room.member');
  await deps.states.loadAll([root]);
  const others = entries(root).filter(({ type }) => type !== member);
  const senders = await sendersOf(deps, events);
  return [...others.map(({ event }) => event), ...senders.map(({ num }) => num)];
}

/**
 * The event closest to a time in a direction that the user may see (client-server API, "GET
 * /rooms/{roomId}/timestamp_to_event"): where the closest is hidden from them, the next one in the timeline that is not.
 */
export async function closestEvent(
  deps: ContextDeps,
  user: number,
  access: RoomAccess,
  { ts, dir }: { readonly ts: number; readonly dir: 'f' | 'b' },
): Promise<StoredEvent | undefined> {
  const num = await deps.timelines.closest(access.head.num, ts, dir);
  const event = num === undefined ? undefined : await deps.events.one(num);
  if (event === undefined) return undefined;
  const seq = event.seq ?? 0;
  const from = timelineToken(dir === 'f' ? seq - 1 : seq);
  const reader = { user, device: 0, ignored: NOBODY };
  const { shown } = await messagesPage(deps, reader, access, { dir, from, limit: 1 });
  return shown[0]?.event;
}
