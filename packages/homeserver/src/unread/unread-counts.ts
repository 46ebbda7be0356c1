import type { IgnoredUsers } from '../account-data/ignored-users.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import { complete } from '../platform/lookups/lookups.ts';
import { NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { Verdict, Verdicts } from '../push-rules/verdicts.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { relationOf } from '../rooms/events/relations.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import { threadsOf } from '../rooms/threads.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import type { ReceiptRow } from '../storage/rooms/receipts.ts';
import { isUnread, marksAsRead, type ReadMarks, readMarks } from './read-marks.ts';

/** The unread counts of a room: of the main timeline, and of each thread by the event id of its root. */
export interface Unread {
  readonly main: Counts;
  readonly threads: ReadonlyMap<string, Counts>;
}

export interface Counts {
  readonly notifications: number;
  readonly highlights: number;
}

/** The latest counts of a user in a room. They are immutable, because concurrent requests may continue from them. */
interface CachedCounts {
  /** The position of the latest change of the user's membership. */
  readonly changed: number;
  /** The event with which the user has joined. */
  readonly join: number;
  /** The user's receipts as text. */
  readonly receipts: string;
  /** The ignored users, whose messages do not count. */
  readonly ignored: ReadonlySet<number>;
  readonly upTo: number;
  readonly main: Counts;
  readonly threads: ReadonlyMap<string, Counts>;
}

/** A user and a room that the user has joined. */
export interface MemberOfRoom {
  readonly user: { readonly num: number; readonly id: string };
  readonly head: Head;
  readonly row: MembershipRow;
}

interface CountedRoom extends Pick<MemberOfRoom, 'user' | 'head'> {
  readonly read: ReadMarks;
}

const KEPT_MAX = 50_000;
/** The maximum number of events that are counted. */
const COUNTED_MAX = 1_000;
/** The number of new events of a room above which counting yields to the event loop. */
const COUNTED_AT_ONCE = 100;
const ZERO: Counts = { notifications: 0, highlights: 0 };
const NO_THREADS: ReadonlyMap<string, Counts> = new Map();
const NOTHING: Unread = { main: ZERO, threads: NO_THREADS };

/** The state events that push rules evaluate, besides the user's member event. */
const JUDGED_BY = [
  ['m.room.create', ''],
  ['m.room.power_levels', ''],
] as const;

export interface UnreadParts {
  readonly heads: Heads;
  readonly receipts: Receipts;
  readonly verdicts: Verdicts;
  readonly events: EventStore;
  readonly timelines: TimelineStore;
  readonly stream: Stream;
  readonly ignoredUsers: IgnoredUsers;
}

/**
 * Unread counts (client-server API, "Receipts", "Threaded read receipts"). They are computed for a request.
 * Counting begins after the user's receipt or join, whichever is later, and an event that the user sent sets the count
 * of its thread to zero. Later computations continue from the cached counts.
 */
export class UnreadCounts {
  readonly #parts: UnreadParts;
  readonly #kept = new LruMap<string, CachedCounts>(KEPT_MAX, {
    bytesMax: cacheBytes(32),
    bytesOf: ({ receipts, threads }) => 500 + textBytes(receipts) + 150 * threads.size,
  });

  constructor(parts: UnreadParts) {
    this.#parts = parts;
  }

  /** The counts of joined rooms, in memory if they are cached and the verdicts on all later events are too. */
  readonly source: Source<MemberOfRoom, Unread> = {
    peek: (member) => this.#peek(member) ?? NOT_LOADED,
    load: async (members) => {
      await this.#prepare(members.filter(({ user, head }) => this.#kept.get(keyOf(user, head.num)) === undefined));
      const counts = new Map<MemberOfRoom, Unread>();
      for (const member of members) counts.set(member, await this.#continue(member));
      return (member) => counts.get(member) ?? NOTHING;
    },
    idOf: ({ user, head }) => keyOf(user, head.num),
  };

  /** Returns the counts of a joined room. */
  of(user: MemberOfRoom['user'], head: Head, row: MembershipRow): Promise<Unread> {
    return complete((lookups) => lookups.get(this.source, { user, head, row }));
  }

  async #continue({ user, head, row }: MemberOfRoom): Promise<Unread> {
    const own = [...(await this.#parts.receipts.receiptsOf(head.num)).ofUser(user.num)];
    const receipts = receiptsText(own);
    const ignored = await this.#parts.ignoredUsers.of(user.num);
    const key = keyOf(user, head.num);
    const kept = this.#kept.get(key);
    const known = kept?.receipts === receipts && kept.ignored === ignored ? kept : undefined;
    const read = readMarks(own);
    const join = await this.#joinOf(row, kept);
    const basis = { changed: row.position, join, receipts, ignored };
    const begin = known?.join === join ? { ...known, ...basis } : await this.#begin(basis, read);
    const entry = await this.#count(begin, { user, head, read });
    this.#kept.set(key, entry);
    return entry;
  }

  /** Loads the values that counting needs in rooms without cached counts, with few queries for many rooms. */
  async #prepare(fresh: readonly MemberOfRoom[]): Promise<void> {
    if (fresh.length === 0) return;
    await this.#parts.heads.ensureState(
      fresh.map(({ user, head }) => ({ head, keys: [...JUDGED_BY, ['m.room.member', user.id]] })),
    );
    const receipts = await this.#parts.receipts.receiptsOfRooms(fresh.map(({ head }) => head.num));
    const nums = fresh.flatMap(({ user, head, row }) => {
      const { everywhere } = readMarks([...(receipts.get(head.num)?.ofUser(user.num) ?? [])]);
      return [row.event, ...(head.numsAfter(Math.max(everywhere, head.row.seq - COUNTED_MAX)) ?? [])];
    });
    await this.#parts.events.load(nums);
  }

  #peek({ user, head, row }: MemberOfRoom): Unread | undefined {
    const { receipts, ignoredUsers, events, stream, verdicts } = this.#parts;
    const inRoom = receipts.source.peek(head.num);
    const key = keyOf(user, head.num);
    const kept = this.#kept.get(key);
    if (inRoom === NOT_LOADED || kept?.changed !== row.position) return undefined;
    const own = [...inRoom.ofUser(user.num)];
    if (kept.receipts !== receiptsText(own) || kept.ignored !== ignoredUsers.source.peek(user.num)) return undefined;
    const nums = head.numsAfter(kept.upTo);
    if (nums === undefined || nums.length > COUNTED_MAX) return undefined;
    const read = readMarks(own).of(undefined);
    if (nums.length === 0) return kept;
    const entry = { ...kept, threads: new Map(kept.threads) };
    for (const num of nums) {
      if (num > stream.current) break;
      const event = events.cached(num);
      if (event?.seq === undefined || event.seq === null || !isCountedAlone(event)) return undefined;
      entry.upTo = event.seq;
      if (marksAsRead(event, user.num)) entry.main = ZERO;
      if (!isUnread(event, user.num, entry.ignored, read)) continue;
      const verdict = verdicts.known(user.num, user.id, head, event);
      if (verdict === undefined) return undefined;
      add(entry, undefined, verdict);
    }
    this.#kept.set(key, entry);
    return entry;
  }

  /**
   * Returns the event with which a member has joined last. Later member events, such as a new display name, do not count
   * as joins.
   */
  async #joinOf(row: MembershipRow, kept: CachedCounts | undefined): Promise<number> {
    // The resolution of states has made the user a member again with another event.
    if (row.position !== row.event) return row.position;
    let join = row.event;
    for (;;) {
      // Only the member events after the cached one are read.
      if (join === kept?.changed) return kept.join;
      const replaces = (await this.#parts.events.one(join))?.replaces ?? null;
      const before = replaces === null ? undefined : await this.#parts.events.one(replaces);
      if (before?.content.membership !== 'join') return join;
      join = before.num;
    }
  }

  async #begin(
    basis: Pick<CachedCounts, 'changed' | 'join' | 'receipts' | 'ignored'>,
    read: ReadMarks,
  ): Promise<CachedCounts> {
    const join = await this.#parts.events.one(basis.join);
    const upTo = Math.max(join?.seq ?? 0, read.everywhere);
    return { ...basis, upTo, main: ZERO, threads: NO_THREADS };
  }

  /** Continues counting up to the announced events. The head and the database may be ahead of them. */
  async #count(entry: CachedCounts, { user, head, read }: CountedRoom): Promise<CachedCounts> {
    const upTo = head.row.seq;
    const after = Math.max(entry.upTo, upTo - COUNTED_MAX);
    if (after >= upTo) return entry;
    const nums =
      head.numsAfter(after) ?? (await this.#parts.timelines.page({ room: head.num, after, upTo }, false, COUNTED_MAX));
    const { current } = this.#parts.stream;
    if (nums.length > COUNTED_AT_ONCE) await nextTurn();
    const events = await this.#parts.events.list(nums.filter((num) => num <= current));
    // The redacted event may have been counted, or may have marked events as read.
    const begin = await this.#begin(entry, read);
    if (entry.upTo > begin.upTo && events.some(({ type }) => type === 'm.room.redaction'))
      return this.#count(begin, { user, head, read });
    const unread = events.filter((event) => isUnread(event, user.num, entry.ignored, read.everywhere));
    const verdicts = await this.#parts.verdicts.of(user.num, user.id, head, unread);
    const totals = { main: entry.main, threads: new Map(entry.threads) };
    const notifying = new Map<StoredEvent, Verdict>();
    for (const [i, event] of unread.entries()) {
      const verdict = verdicts[i] ?? 'silent';
      if (verdict !== 'silent') notifying.set(event, verdict);
    }
    const own = events.filter((event) => marksAsRead(event, user.num));
    const threads = await threadsOf(this.#parts.events, [...notifying.keys(), ...own]);
    for (const event of events) {
      const thread = threads.get(event.num);
      const verdict = notifying.get(event);
      if (marksAsRead(event, user.num)) clear(totals, thread);
      else if (verdict !== undefined && (event.seq ?? 0) > read.of(thread)) add(totals, thread, verdict);
    }
    return { ...entry, ...totals, upTo: events.at(-1)?.seq ?? entry.upTo };
  }
}

/** Returns the counts of a room including its threads. */
export function totalOf({ main, threads }: Unread): Counts {
  let { notifications, highlights } = main;
  for (const counts of threads.values()) {
    notifications += counts.notifications;
    highlights += counts.highlights;
  }
  return { notifications, highlights };
}

function receiptsText(own: readonly ReceiptRow[]): string {
  return own.map(({ type, thread, seq }) => `${type}${thread}:${seq}`).join(' ');
}

function keyOf(user: CountedRoom['user'], room: number): string {
  return `${user.num}/${room}`;
}

/** Returns whether an event does not change earlier counts and belongs to no thread. */
function isCountedAlone(event: StoredEvent): boolean {
  return event.type !== 'm.room.redaction' && relationOf(event) === undefined;
}

function clear(entry: { main: Counts; readonly threads: Map<string, Counts> }, thread: string | undefined): void {
  if (thread === undefined) entry.main = ZERO;
  else entry.threads.delete(thread);
}

function add(
  entry: { main: Counts; readonly threads: Map<string, Counts> },
  thread: string | undefined,
  verdict: Verdict,
): void {
  if (verdict === 'silent') return;
  const before = thread === undefined ? entry.main : (entry.threads.get(thread) ?? ZERO);
  const counts = {
    notifications: before.notifications + 1,
    highlights: before.highlights + (verdict === 'highlight' ? 1 : 0),
  };
  if (thread === undefined) entry.main = counts;
  else entry.threads.set(thread, counts);
}
