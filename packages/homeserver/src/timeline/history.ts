import type { RoomEventFilter } from '../filters/filter.ts';
import { type Matcher, matcherOf, matches } from '../filters/matching.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import { type Reader, type RoomAccess, seesPresent } from '../rooms/access.ts';
import { relationOf } from '../rooms/events/relations.ts';
import type { Head } from '../rooms/head.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { LazySenders } from './lazy-senders.ts';
import { parseToken, seqOfToken, timelineToken } from './position.ts';
import type { Shown } from './render/event-renderer.ts';
import type { VisibleChildren } from './render/visible-children.ts';
import type { Visibility } from './visibility.ts';

interface Parts {
  readonly timelines: TimelineStore;
  readonly events: EventStore;
  readonly visibility: Visibility;
  readonly children: VisibleChildren;
  readonly senders: LazySenders;
}

/** Fetches events that this server does not have from other servers. */
export interface OlderHistory {
  /**
   * Fetches the events that are missing among the last `limit` events up to a sequence number. Returns false if some are
   * still missing.
   */
  complete(head: Head, upTo: number, limit: number): Promise<boolean>;
}

/** The query of `GET /rooms/{roomId}/messages`. */
export interface MessagesQuery {
  readonly dir: 'b' | 'f';
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly filter?: RoomEventFilter | undefined;
}

/** A page of history; `end` is absent if the page is the last in its direction. */
export interface MessagesPage {
  readonly start: string;
  readonly end?: string;
  readonly shown: readonly Shown[];
}

const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 1000;
/** The maximum number of events that one request reads. If few of them pass the filter, the page is short. */
const SCANNED_MAX = 4000;
const SCANNED_AT_ONCE = 200;
/** The maximum number of events that the first query reads. Most pages are not longer. */
const FIRST_SCAN = 100;
/**
 * The length of the contents at which a page ends, in characters, so that a thousand of the largest events do not take
 * 60 MB.
 */
const PAGE_LENGTH_MAX = 8 * 1024 * 1024;

/** The history of rooms. */
export class History {
  readonly #parts: Parts;
  #older: OlderHistory | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Makes the history that other servers have available. */
  fetchFrom(older: OlderHistory): void {
    this.#older = older;
  }

  /** Returns the member events of the senders of some events of one room (client-server API, "Lazy-loading room members"). */
  senders(shown: readonly Shown[]): Promise<StoredEvent[]> {
    return this.#parts.senders.of(shown.map(({ event }) => event));
  }

  /**
   * Returns a page of a room's history (client-server API, "GET /rooms/{roomId}/messages").
   * @throws MatrixError M_INVALID_PARAM
   */
  async page(reader: Reader, access: RoomAccess, query: MessagesQuery): Promise<MessagesPage> {
    const { head } = access;
    const backwards = query.dir === 'b';
    const last = access.kind === 'past' && !(await seesPresent(access)) ? (access.until.seq ?? 0) : head.row.seq;
    const from = query.from === undefined ? (backwards ? last : 0) : await this.#seqOf(head.num, query.from, 'from');
    const to = query.to === undefined ? undefined : await this.#seqOf(head.num, query.to, 'to');
    const limit = Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
    const range = backwards
      ? { after: Math.max(0, to ?? 0), upTo: Math.min(from, last) }
      : { after: from, upTo: Math.min(to ?? last, last) };
    const older = backwards && access.kind !== 'past' ? this.#older : undefined;
    const isComplete = older === undefined || (await older.complete(head, range.upTo, limit));
    const { shown, next, newest, oldest } = await this.#scan(reader, head.num, {
      range,
      backwards,
      limit,
      matcher: matcherOf(query.filter),
      filter: query.filter,
    });
    // With a filter, `end` is present after every page that is not empty. Clients rely on it, because other servers do
    // not check whether later events pass.
    const isFound = shown.length > 0 && isSelective(query.filter);
    // Other servers withhold history that is not world-readable from those who are not in the room.
    const isAwaited = !isComplete && (access.kind === 'member' || shown.length > 0);
    const more = isFound || isAwaited || (backwards ? next > range.after : next < range.upTo);
    // The next page begins before the gap if nobody has answered the events in it.
    const end = !isComplete && next <= range.after ? (oldest ?? range.upTo + 1) - 1 : next;
    // The head may be ahead of the database. A client that continues from `start` gets the events in between.
    const start = backwards ? (newest ?? from) : from;
    return { start: query.from ?? timelineToken(start), ...(more ? { end: timelineToken(end) } : {}), shown };
  }

  /**
   * Reads a page of events that the reader may see and that pass the filter. `next` is the position of the next page.
   */
  async #scan(
    reader: Reader,
    room: number,
    scan: Scan,
  ): Promise<{ shown: Shown[]; next: number; newest: number | undefined; oldest: number | undefined }> {
    const { backwards, limit } = scan;
    const shown: Shown[] = [];
    let { after, upTo } = scan.range;
    let scanned = 0;
    let length = 0;
    let newest: number | undefined;
    let oldest: number | undefined;
    while (shown.length < limit && scanned < SCANNED_MAX && length < PAGE_LENGTH_MAX && after < upTo) {
      // If few events pass, further ones are read in larger steps, with a yield to the event loop between them.
      if (scanned > 0) await nextTurn();
      const count = scanned === 0 ? Math.min(limit, FIRST_SCAN) : length > PAGE_LENGTH_MAX / 8 ? 20 : SCANNED_AT_ONCE;
      const nums = await this.#parts.timelines.page({ room, after, upTo }, backwards, count);
      if (nums.length === 0) return { shown, next: backwards ? after : upTo, newest, oldest };
      scanned += nums.length;
      const events = await this.#parts.events.list(nums);
      const found = (await this.#passing(reader, room, events, scan)).slice(0, limit - shown.length);
      shown.push(...found);
      for (const { event } of found) length += event.contentText.length;
      newest ??= events[0]?.seq ?? undefined;
      oldest = events.at(-1)?.seq ?? oldest;
      // The next page begins after the last event of this one, or after the last that was read.
      const edge = (shown.length === limit ? found.at(-1)?.event : events.at(-1))?.seq ?? 0;
      if (backwards) upTo = edge - 1;
      else after = edge;
    }
    return { shown, next: backwards ? upTo : after, newest, oldest };
  }

  async #passing(reader: Reader, room: number, events: readonly StoredEvent[], scan: Scan): Promise<Shown[]> {
    const wanted = events.filter((event) => isWanted(event, reader, scan));
    const related = await this.#withRelations(reader, room, { events: wanted, filter: scan.filter });
    return related.length === 0 ? [] : this.#parts.visibility.visibleTo(reader.user, room, related);
  }

  /**
   * Returns the events that have relations of the types and senders in the filter (`related_by_rel_types`,
   * `related_by_senders`).
   */
  async #withRelations(
    reader: Reader,
    room: number,
    { events, filter }: { readonly events: readonly StoredEvent[]; readonly filter: RoomEventFilter | undefined },
  ): Promise<readonly StoredEvent[]> {
    const { related_by_rel_types: types, related_by_senders: senders } = filter ?? {};
    if ((types === undefined && senders === undefined) || events.length === 0) return events;
    const relations = await this.#parts.children.relationsTo(reader, room, events);
    const passing = relations.filter(
      ({ relType, sender }) => (types?.includes(relType) ?? true) && (senders?.includes(sender) ?? true),
    );
    const parents = new Set(passing.map(({ parent }) => parent));
    return events.filter(({ num }) => parents.has(num));
  }

  async #seqOf(room: number, text: string, parameter: string): Promise<number> {
    return seqOfToken(this.#parts.timelines, room, parseToken(text, parameter));
  }
}

/** Returns whether a filter may exclude events. */
function isSelective(filter: RoomEventFilter = {}): boolean {
  const { lazy_load_members: _lazy, include_redundant_members: _all, limit: _limit, ...selecting } = filter;
  return Object.keys(selecting).length > 0;
}

interface Scan {
  readonly range: { readonly after: number; readonly upTo: number };
  readonly backwards: boolean;
  readonly limit: number;
  readonly matcher: Matcher;
  readonly filter: RoomEventFilter | undefined;
}

function isWanted(event: StoredEvent, reader: Reader, { matcher, filter }: Scan): boolean {
  if (reader.ignored.has(event.senderNum) && !event.isState) return false;
  if (filter?.rooms?.includes(event.roomId) === false || filter?.not_rooms?.includes(event.roomId) === true)
    return false;
  const { 'org.matrix.msc3874.rel_types': types, 'org.matrix.msc3874.not_rel_types': notTypes } = filter ?? {};
  if (types !== undefined || notTypes !== undefined) {
    const relType = relationOf(event)?.relType ?? '';
    if (types?.includes(relType) === false || notTypes?.includes(relType) === true) return false;
  }
  return matches(matcher, event.type, event.sender, () => Object.hasOwn(event.content, 'url'));
}
