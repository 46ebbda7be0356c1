import { invalidParam } from '@hearth/protocol/errors.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import { type Actions, type Verdicts, verdictOf } from '../push-rules/verdicts.ts';
import type { Receipts } from '../receipts/receipts.ts';
import type { Reader } from '../rooms/access.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import { threadsOf } from '../rooms/threads.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { Shown } from '../timeline/render/event-renderer.ts';
import type { Visibility } from '../timeline/visibility.ts';
import { marksAsRead, readMarks } from '../unread/read-marks.ts';
import { LatestFirst } from './latest-first.ts';

interface NotificationsParts {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly userRooms: UserRooms;
  readonly timelines: TimelineStore;
  readonly receipts: Receipts;
  readonly verdicts: Verdicts;
  readonly visibility: Visibility;
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

/** The positions of a user's last own events by room and thread, as far as the timelines have been read. */
type OwnMarks = Map<string, number>;

/** A request that is being processed. */
interface Search {
  readonly reader: Reader;
  readonly userId: string;
  readonly onlyHighlights: boolean;
  readonly own: OwnMarks;
}

/**
 * The notifications of users (client-server API, "GET /notifications"). They are computed for each request from the
 * timelines of the user's rooms and the current rules, so that sending costs nothing.
 */
export class Notifications {
  readonly #parts: NotificationsParts;

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
  }

  /** Returns a page of a user's notifications, the latest first. @throws MatrixError M_INVALID_PARAM */
  async page(
    reader: Reader,
    userId: string,
    query: NotificationsQuery,
  ): Promise<{ notifications: Notification[]; next?: string }> {
    const { events: store, timelines, userRooms } = this.#parts;
    const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
    const rows = [...(await userRooms.of(reader.user)).values()].filter(({ membership }) => membership === 'join');
    const source = new LatestFirst(store, timelines, parseFrom(query.from));
    await source.open(rows.map(({ room }) => room));
    const found: Notification[] = [];
    const search = { reader, userId, onlyHighlights: query.onlyHighlights, own: new Map() };
    for (let scanned = 0; scanned < SCANNED_MAX; scanned += BATCH) {
      if (scanned > 0) await nextTurn();
      const events = await source.take(BATCH);
      found.push(...(await this.#among(search, events)));
      if (found.length > limit) {
        const notifications = found.slice(0, limit);
        return { notifications, next: `n${(notifications.at(-1)?.shown.event.num ?? 1) - 1}` };
      }
      if (events.length < BATCH) return { notifications: found };
    }
    return { notifications: found, next: `n${source.reached - 1}` };
  }

  /** Returns the notifications among some events, the latest first. */
  async #among(search: Search, events: readonly StoredEvent[]): Promise<Notification[]> {
    const { reader } = search;
    await this.#addOwnMarks(search, events);
    const others = events.filter(
      ({ senderNum, redactedBy }) => senderNum !== reader.user && redactedBy === null && !reader.ignored.has(senderNum),
    );
    const found: Notification[] = [];
    for (const [room, inRoom] of Map.groupBy(others, (event) => event.room)) {
      const head = await this.#parts.heads.byNum(room);
      if (head !== undefined) found.push(...(await this.#inRoom(search, head, inRoom)));
    }
    return found.sort((a, b) => b.shown.event.num - a.shown.event.num);
  }

  async #inRoom(search: Search, head: Head, events: readonly StoredEvent[]): Promise<Notification[]> {
    const { reader, userId, onlyHighlights, own } = search;
    const { events: store, receipts, verdicts, visibility } = this.#parts;
    // A user was not notified of events before the user's join.
    const visible = await visibility.visibleTo(reader.user, head.num, events);
    const shown = visible.filter(({ membership }) => membership === 'join');
    const marks = readMarks([...(await receipts.receiptsOf(head.num)).ofUser(reader.user)]);
    const seen = shown.map(({ event }) => event);
    const all = await verdicts.actionsOf(reader.user, userId, head, seen);
    const threads = await threadsOf(
      store,
      seen.filter((_, i) => (all[i] ?? []).length > 0),
    );
    return shown.flatMap((each, i) => {
      const actions = [...(all[i] ?? [])];
      if (actions.length === 0 || (onlyHighlights && verdictOf(actions) !== 'highlight')) return [];
      const thread = threads.get(each.event.num);
      const mark = Math.max(marks.of(thread), own.get(markKey(head.num, thread)) ?? 0);
      return [{ shown: each, actions, read: (each.event.seq ?? 0) <= mark }];
    });
  }

  async #addOwnMarks({ reader, own: marks }: Search, events: readonly StoredEvent[]): Promise<void> {
    const own = events.filter((event) => marksAsRead(event, reader.user));
    const threads = await threadsOf(this.#parts.events, own);
    for (const { num, room, seq } of own) {
      const key = markKey(room, threads.get(num));
      marks.set(key, Math.max(marks.get(key) ?? 0, seq ?? 0));
    }
  }
}

function markKey(room: number, thread: string | undefined): string {
  return `${room} ${thread ?? 'main'}`;
}

/** Returns the position from which the search goes backwards. */
function parseFrom(text: string | undefined): number {
  if (text === undefined) return Number.MAX_SAFE_INTEGER;
  const match = /^n(\d{1,15})$/.exec(text);
  if (match === null) throw invalidParam("'from' is not a pagination token of this endpoint");
  return Number(match[1]);
}
