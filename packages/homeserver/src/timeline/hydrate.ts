import type { Clock } from '../platform/clock.ts';
import { inSlices } from '../platform/concurrency/in-slices.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TransactionStore } from '../storage/rooms/events/transaction-store.ts';
import { type Bundle, type BundleDeps, bundlesOf } from './bundles.ts';
import { type ClientFormat, clientEvent, type UnsignedParts } from './client-form.ts';
import { type ErasureDeps, redactedCopies } from './erasure.ts';

export interface HydrateDeps extends BundleDeps, ErasureDeps {
  readonly clock: Clock;
  readonly transactions: TransactionStore;
}

/** The reading user: decides about transaction ids, participation in threads and ignored senders. */
export interface Reader {
  readonly user: number;
  readonly device: number;
  readonly ignored: ReadonlySet<number>;
}

/** An event on its way to a reader. */
export interface Shown {
  readonly event: StoredEvent;
  /** The reader's membership at the event. */
  readonly membership?: string;
}

/** Longer lists, such as the members of a large room, let others have their turn after so many. */
const EVENTS_AT_ONCE = 1_000;
const NO_EVENTS: ReadonlyMap<number, StoredEvent> = new Map();

export function readerOf(
  caller: { readonly user: number; readonly device: number },
  ignored: ReadonlySet<number>,
): Reader {
  return { user: caller.user, device: caller.device, ignored };
}

/** The events and aggregations that the events of one page refer to, loaded together. */
interface Surroundings {
  readonly now: number;
  readonly others: ReadonlyMap<number, StoredEvent>;
  readonly bundles: ReadonlyMap<number, Bundle>;
  /** Copies for this reader of events that are erased for them. */
  readonly redacted: ReadonlyMap<number, StoredEvent>;
}

/** Renders events in their client form, with everything that belongs into `unsigned`. */
export class EventRenderer {
  readonly #parts: HydrateDeps;

  constructor(parts: HydrateDeps) {
    this.#parts = parts;
  }

  /** Renders events as JSON texts, in the same order. */
  async render(reader: Reader, shown: readonly Shown[], format: ClientFormat): Promise<readonly string[]> {
    return hydrate(this.#parts, reader, shown, format);
  }

  /** Renders state events: as {@link render}, without the reader's membership at the time. */
  async renderState(reader: Reader, events: readonly StoredEvent[], format: ClientFormat): Promise<readonly string[]> {
    return hydrateState(this.#parts, reader, events, format);
  }
}

/**
 * The client form of events as JSON texts, in the same order, with everything that belongs into `unsigned`. Events that
 * are in memory cost no query; for the rest there is one query for each kind of thing, whatever the number of events.
 */
export function hydrate(
  deps: HydrateDeps,
  reader: Reader,
  shown: readonly Shown[],
  format: ClientFormat,
): readonly string[] | Promise<readonly string[]> {
  if (shown.length <= EVENTS_AT_ONCE) return hydrateTogether(deps, reader, shown, format);
  return inSlices(shown, EVENTS_AT_ONCE, async (some) => hydrateTogether(deps, reader, some, format));
}

function hydrateTogether(
  deps: HydrateDeps,
  reader: Reader,
  shown: readonly Shown[],
  format: ClientFormat,
): string[] | Promise<string[]> {
  const now = deps.clock.now();
  const texts: string[] = [];
  const others: number[] = [];
  for (const { event, membership } of shown) {
    // Whether the reader sees the events of an erased user redacted takes a look at the reader's membership.
    const text = deps.erasedUsers.has(event.senderNum)
      ? undefined
      : plainText(event, reader, { now, membership }, format);
    if (text === undefined) others.push(texts.length);
    texts.push(text ?? '');
  }
  return others.length === 0 ? texts : fillIn(deps, reader, { shown, texts, others }, format);
}

/** Puts in the texts of those events of which something has to be looked up. */
async function fillIn(
  deps: HydrateDeps,
  reader: Reader,
  page: { readonly shown: readonly Shown[]; readonly texts: string[]; readonly others: readonly number[] },
  format: ClientFormat,
): Promise<string[]> {
  const { shown, texts, others } = page;
  const events = others.flatMap((at) => shown[at]?.event ?? []);
  const around = await surroundingsOf(deps, reader, events);
  for (const at of others) {
    const one = shown[at];
    if (one !== undefined) texts[at] = render(one, reader, around, format);
  }
  return texts;
}

async function surroundingsOf(
  deps: HydrateDeps,
  reader: Reader,
  events: readonly StoredEvent[],
): Promise<Surroundings> {
  await lookUpTransactions(deps, reader, events);
  const bundles = await bundlesOf(deps, events, reader);
  const latest = [...bundles.values()].flatMap(({ thread }) => thread?.latest ?? []);
  const inner = latest.length === 0 ? bundles : new Map([...(await bundlesOf(deps, latest, reader)), ...bundles]);
  const referred = new Set<number>();
  for (const list of [events, latest]) {
    for (const { replaces, redactedBy } of list) {
      if (replaces !== null) referred.add(replaces);
      if (redactedBy !== null) referred.add(redactedBy);
    }
  }
  const others = referred.size === 0 ? NO_EVENTS : await deps.events.load(referred);
  const edits = [...inner.values()].flatMap(({ edit }) => edit ?? []);
  const redacted = await redactedCopies(deps, reader.user, [...events, ...latest, ...edits, ...others.values()]);
  return { now: deps.clock.now(), others, bundles: inner, redacted };
}

/**
 * Looks up ahead, with a few queries for events of many rooms, what {@link hydrate} would otherwise ask room by room; a
 * promise only if that is something.
 */
export function lookUpAhead(
  deps: HydrateDeps,
  reader: Reader,
  events: Iterable<StoredEvent>,
): Promise<unknown> | undefined {
  const unknown: StoredEvent[] = [];
  for (const event of events) if (!isLookedUp(event, reader)) unknown.push(event);
  return unknown.length === 0 ? undefined : surroundingsOf(deps, reader, unknown);
}

function isLookedUp(event: StoredEvent, reader: { readonly user: number }): boolean {
  if (event.aggregations !== null || event.replaces !== null || event.redactedBy !== null) return false;
  return event.transaction !== undefined || event.senderNum !== reader.user;
}

/** As {@link hydrate}, for state events: the reader's membership at the time is nothing that they tell. */
export function hydrateState(
  deps: HydrateDeps,
  reader: Reader,
  events: readonly StoredEvent[],
  format: ClientFormat,
): readonly string[] | Promise<readonly string[]> {
  return hydrate(
    deps,
    reader,
    events.map((event) => ({ event })),
    format,
  );
}

/** The client form of an event of which nothing has to be looked up, be it in memory; `undefined` for any other. */
export function plainText(
  event: StoredEvent,
  reader: { readonly user: number; readonly device: number },
  { now, membership }: { readonly now: number; readonly membership?: string | undefined },
  format: ClientFormat,
): string | undefined {
  if (!isLookedUp(event, reader) || !isUnremarkable(event, reader)) return undefined;
  return clientEvent(event, format, { age: Math.max(0, now - event.ts), membership });
}

function render(shown: Shown, reader: Reader, around: Surroundings, format: ClientFormat): string {
  const { membership } = shown;
  const event = around.redacted.get(shown.event.num) ?? shown.event;
  const age = Math.max(0, around.now - event.ts);
  if (!around.bundles.has(event.num) && isUnremarkable(event, reader))
    return clientEvent(event, format, { age, membership });
  const plain = { roomId: format.roomId, legacy: false };
  const replaced = event.replaces === null ? undefined : present(around, event.replaces);
  const redaction = event.redactedBy === null ? undefined : around.others.get(event.redactedBy);
  const bundle = around.bundles.get(event.num);
  const parts: UnsignedParts = {
    age,
    membership,
    stickyTtlMs: stickyTtl(event, around.now),
    transactionId: transactionId(event, reader),
    prevContent:
      replaced === undefined
        ? undefined
        : { content: replaced.contentText, sender: replaced.sender, eventId: replaced.eventId },
    redactedBecause: redaction === undefined ? undefined : render({ event: redaction }, reader, around, plain),
    relations: bundle === undefined ? undefined : relations(bundle, reader, around, plain),
  };
  return clientEvent(event, format, parts);
}

/** An event that others refer to, redacted if it is so for the reader. */
function present({ others, redacted }: Surroundings, num: number): StoredEvent | undefined {
  return redacted.get(num) ?? others.get(num);
}

/** Nothing that has to be looked up goes into `unsigned`: so it is with most events that have no children. */
function isUnremarkable(event: StoredEvent, reader: { readonly device: number }): boolean {
  const { replaces, redactedBy, extra, transaction } = event;
  if (replaces !== null || redactedBy !== null || extra !== null) return false;
  return transaction?.device !== reader.device;
}

function stickyTtl({ stickyUntil }: StoredEvent, now: number): number | undefined {
  return stickyUntil === undefined || stickyUntil <= now ? undefined : stickyUntil - now;
}

function relations(
  { edit, references, thread }: Bundle,
  reader: Reader,
  around: Surroundings,
  format: ClientFormat,
): string | undefined {
  const parts: string[] = [];
  if (edit !== undefined && !around.redacted.has(edit.num))
    parts.push(`"m.replace":${clientEvent(edit, format, { age: Math.max(0, around.now - edit.ts) })}`);
  if (references !== undefined) {
    parts.push(`"m.reference":${JSON.stringify({ chunk: references.map((eventId) => ({ event_id: eventId })) })}`);
  }
  if (thread !== undefined) {
    const latest = render({ event: thread.latest }, reader, around, format);
    parts.push(
      `"m.thread":{"latest_event":${latest},"count":${thread.count},"current_user_participated":${thread.participated}}`,
    );
  }
  return parts.length === 0 ? undefined : `{${parts.join(',')}}`;
}

/** The sending device finds its transaction id again (client-server API, "Transaction identifiers"). */
function transactionId(event: StoredEvent, reader: Reader): string | undefined {
  const { transaction } = event;
  if (transaction === null || transaction === undefined || transaction.device !== reader.device) return undefined;
  // The stored key has the kind of request in front: see `transactionKey`.
  return transaction.txn.slice(transaction.txn.indexOf(' ') + 1);
}

/** Asks once under which ids the reader's own events were sent. */
async function lookUpTransactions(deps: HydrateDeps, reader: Reader, events: readonly StoredEvent[]): Promise<void> {
  const own = events.filter(({ senderNum, transaction }) => transaction === undefined && senderNum === reader.user);
  if (own.length === 0) return;
  const found = await deps.transactions.ofEvents(own.map(({ num }) => num));
  for (const event of own) event.transaction = found.get(event.num) ?? null;
}
