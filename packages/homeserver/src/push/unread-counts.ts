import { LruMap } from '../platform/lru.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { relationOf } from '../rooms/effects.ts';
import type { Head } from '../rooms/head.ts';
import type { EventStore } from '../storage/event-store.ts';
import type { MembershipRow } from '../storage/membership-store.ts';
import type { ReceiptRow } from '../storage/receipts.ts';
import type { StoredEvent } from '../storage/stored-event.ts';
import type { TimelineStore } from '../storage/timeline-store.ts';
import type { Verdict, Verdicts } from './verdicts.ts';

/** How much is unread: in the room's main timeline and in each thread by its root's event id. */
export interface Unread {
  readonly main: Counts;
  readonly threads: ReadonlyMap<string, Counts>;
}

export interface Counts {
  readonly notifications: number;
  readonly highlights: number;
}

interface Entry {
  /** What the counts depend on besides the events: the receipts as text, and the member event. */
  readonly basis: string;
  upTo: number;
  main: Counts;
  readonly threads: Map<string, Counts>;
}

const KEPT_MAX = 50_000;
/** Whoever is further behind than this sees the number stop growing. */
const COUNTED_MAX = 1_000;
const ZERO: Counts = { notifications: 0, highlights: 0 };
const NO_THREADS: ReadonlyMap<string, Counts> = new Map();

export interface UnreadParts {
  readonly receipts: Receipts;
  readonly verdicts: Verdicts;
  readonly events: EventStore;
  readonly timelines: TimelineStore;
}

/**
 * Unread counts (client-server API, "Receipts", "Threaded read receipts"), counted when they are asked for: from the
 * last receipt, or the user's join, to the end of the room, and from then on only what is new.
 */
export class UnreadCounts {
  readonly #parts: UnreadParts;
  readonly #kept = new LruMap<string, Entry>(KEPT_MAX);

  constructor(parts: UnreadParts) {
    this.#parts = parts;
  }

  /** The counts of a joined room. */
  async of(user: { readonly num: number; readonly id: string }, head: Head, row: MembershipRow): Promise<Unread> {
    const own = [...(await this.#parts.receipts.receiptsOf(head.num)).ofUser(user.num)];
    const basis = `${row.event} ${own.map(({ type, thread, seq }) => `${type}${thread}:${seq}`).join(' ')}`;
    const key = `${user.num}/${head.num}`;
    const known = this.#kept.get(key);
    const entry: Entry = known?.basis === basis ? known : await this.#begin(row, own, basis);
    if (entry !== known) this.#kept.set(key, entry);
    const upTo = head.row.seq;
    if (entry.upTo < upTo) {
      const after = Math.max(entry.upTo, upTo - COUNTED_MAX);
      entry.upTo = upTo;
      await this.#count(entry, user, head, { after, upTo, read: readMarks(own) });
    }
    return { main: entry.main, threads: entry.threads.size === 0 ? NO_THREADS : entry.threads };
  }

  async #begin(row: MembershipRow, own: readonly ReceiptRow[], basis: string): Promise<Entry> {
    const join = await this.#parts.events.one(row.event);
    const read = readMarks(own);
    const after = Math.max(join?.seq ?? 0, read.everywhere);
    return { basis, upTo: after, main: ZERO, threads: new Map() };
  }

  async #count(
    entry: Entry,
    user: { readonly num: number; readonly id: string },
    head: Head,
    { after, upTo, read }: { after: number; upTo: number; read: ReadMarks },
  ): Promise<void> {
    const nums = await this.#parts.timelines.page({ room: head.num, after, upTo }, false, COUNTED_MAX);
    const events = (await this.#parts.events.list(nums)).filter(
      ({ senderNum, redactedBy }) => senderNum !== user.num && redactedBy === null,
    );
    const unread = events.filter((event) => (event.seq ?? 0) > read.of(threadOf(event)));
    const verdicts = await this.#parts.verdicts.of(user.num, user.id, head, unread);
    for (const [i, event] of unread.entries()) add(entry, threadOf(event), verdicts[i] ?? 'silent');
  }
}

interface ReadMarks {
  /** Everything up to here is read, whatever its thread. */
  readonly everywhere: number;
  of(thread: string | undefined): number;
}

/** Receipts without a thread count everywhere, those for `main` or a root only there. */
function readMarks(own: readonly ReceiptRow[]): ReadMarks {
  const marks = new Map<string, number>();
  for (const { thread, seq } of own) marks.set(thread, Math.max(marks.get(thread) ?? 0, seq));
  const everywhere = marks.get('') ?? 0;
  return { everywhere, of: (thread) => Math.max(everywhere, marks.get(thread ?? 'main') ?? 0) };
}

/** The root of the thread that an event belongs to; none for the main timeline. */
function threadOf(event: StoredEvent): string | undefined {
  const relation = relationOf(event);
  return relation?.relType === 'm.thread' ? relation.parent : undefined;
}

function add(entry: Entry, thread: string | undefined, verdict: Verdict): void {
  if (verdict === 'silent') return;
  const before = thread === undefined ? entry.main : (entry.threads.get(thread) ?? ZERO);
  const counts = {
    notifications: before.notifications + 1,
    highlights: before.highlights + (verdict === 'highlight' ? 1 : 0),
  };
  if (thread === undefined) entry.main = counts;
  else entry.threads.set(thread, counts);
}
