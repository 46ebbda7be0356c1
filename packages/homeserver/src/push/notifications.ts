import { invalidParam } from '@hearth/protocol/errors.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import { type Actions, type Verdicts, verdictOf } from '../push-rules/verdicts.ts';
import type { Receipts } from '../receipts/receipts.ts';
import type { Heads } from '../rooms/heads.ts';
import { threadsOf } from '../rooms/threads.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { Reader, Shown } from '../timeline/hydrate.ts';
import { type VisibilityDeps, visibleEvents } from '../timeline/visibility.ts';
import { marksAsRead, readMarks } from '../unread/unread-counts.ts';
import { LatestFirst } from './latest-first.ts';

export interface NotificationsDeps extends VisibilityDeps {
  readonly heads: Heads;
  readonly timelines: TimelineStore;
  readonly receipts: Receipts;
  readonly verdicts: Verdicts;
}

/** An event that a user was notified of. */
export interface Notification {
  readonly shown: Shown;
  readonly actions: Actions & JsonValue[];
  readonly read: boolean;
}

export interface NotificationsQuery {
  readonly from?: string | undefined;
  readonly limit?: number | undefined;
  readonly onlyHighlights: boolean;
}

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;
const BATCH = 100;
/** How many events one request looks at; after that it answers with what it has. */
const SCANNED_MAX = 2_000;

/**
 * The notifications of a user, the latest first (client-server API, "GET /notifications"). They are computed for
 * each request from the timelines of the user's rooms and the current rules, so that sending costs nothing.
 * @throws MatrixError M_INVALID_PARAM
 */
export async function notificationsPage(
  deps: NotificationsDeps,
  reader: Reader,
  query: NotificationsQuery,
): Promise<{ notifications: Notification[]; next?: string }> {
  const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
  const rows = [...(await deps.userRooms.of(reader.user)).values()].filter(({ membership }) => membership === 'join');
  const source = new LatestFirst(deps, parseFrom(query.from));
  await source.open(rows.map(({ room }) => room));
  const found: Notification[] = [];
  const own: OwnMarks = new Map();
  for (let scanned = 0; scanned < SCANNED_MAX; scanned += BATCH) {
    if (scanned > 0) await nextTurn();
    const events = await source.take(BATCH);
    found.push(...(await notified(deps, reader, { onlyHighlights: query.onlyHighlights, own }, events)));
    if (found.length > limit) {
      const notifications = found.slice(0, limit);
      return { notifications, next: `n${(notifications.at(-1)?.shown.event.num ?? 1) - 1}` };
    }
    if (events.length < BATCH) return { notifications: found };
  }
  return { notifications: found, next: `n${source.reached - 1}` };
}

/** The place of the user's last own event by room and thread, as far as the timelines have been gone back. */
type OwnMarks = Map<string, number>;

async function addOwnMarks(
  deps: NotificationsDeps,
  reader: Reader,
  marks: OwnMarks,
  events: readonly StoredEvent[],
): Promise<void> {
  const own = events.filter((event) => marksAsRead(event, reader.user));
  const threads = await threadsOf(deps.events, own);
  for (const { num, room, seq } of own) {
    const key = markKey(room, threads.get(num));
    marks.set(key, Math.max(marks.get(key) ?? 0, seq ?? 0));
  }
}

function markKey(room: number, thread: string | undefined): string {
  return `${room} ${thread ?? 'main'}`;
}

async function notified(
  deps: NotificationsDeps,
  reader: Reader,
  { onlyHighlights, own }: { readonly onlyHighlights: boolean; readonly own: OwnMarks },
  events: readonly StoredEvent[],
): Promise<Notification[]> {
  await addOwnMarks(deps, reader, own, events);
  const others = events.filter(
    ({ senderNum, redactedBy }) => senderNum !== reader.user && redactedBy === null && !reader.ignored.has(senderNum),
  );
  const found: Notification[] = [];
  for (const [room, inRoom] of Map.groupBy(others, (event) => event.room)) {
    const head = await deps.heads.byNum(room);
    if (head === undefined) continue;
    // Nobody was notified of what happened before they came.
    const visible = await visibleEvents(deps, reader.user, room, inRoom);
    const shown = visible.filter(({ membership }) => membership === 'join');
    const marks = readMarks([...(await deps.receipts.receiptsOf(room)).ofUser(reader.user)]);
    const userId = await deps.names.text(reader.user);
    const all = await deps.verdicts.actionsOf(
      reader.user,
      userId,
      head,
      shown.map(({ event }) => event),
    );
    const loud = shown.map(({ event }) => event).filter((_, i) => (all[i] ?? []).length > 0);
    const threads = await threadsOf(deps.events, loud);
    for (const [i, each] of shown.entries()) {
      const actions = [...(all[i] ?? [])];
      if (actions.length === 0 || (onlyHighlights && verdictOf(actions) !== 'highlight')) continue;
      const thread = threads.get(each.event.num);
      const mark = Math.max(marks.of(thread), own.get(markKey(room, thread)) ?? 0);
      found.push({ shown: each, actions, read: (each.event.seq ?? 0) <= mark });
    }
  }
  return found.sort((a, b) => b.shown.event.num - a.shown.event.num);
}

/** The position from which to go back. */
function parseFrom(text: string | undefined): number {
  if (text === undefined) return Number.MAX_SAFE_INTEGER;
  const match = /^n(\d{1,15})$/.exec(text);
  if (match === null) throw invalidParam('from is not a token of this list');
  return Number(match[1]);
}
