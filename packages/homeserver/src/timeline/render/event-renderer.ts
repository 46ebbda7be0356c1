import type { Clock } from '../../platform/clock.ts';
import { inSlices } from '../../platform/concurrency/in-slices.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import { NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import type { Reader } from '../../rooms/access.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TransactionStore } from '../../storage/rooms/events/transaction-store.ts';
import type { Bundle, Bundles } from './bundles.ts';
import { type ClientFormat, clientEvent, type UnsignedParts } from './client-form.ts';
import type { Erasure } from './erasure.ts';

interface Parts {
  readonly clock: Clock;
  readonly events: EventStore;
  readonly transactions: TransactionStore;
  readonly bundles: Bundles;
  readonly erasure: Erasure;
}

/** An event that is rendered for a reader. */
export interface Shown {
  readonly event: StoredEvent;
  /** The reader's membership at the event. */
  readonly membership?: string;
}

/** The number of events after which rendering yields to the event loop. */
const EVENTS_AT_ONCE = 1_000;
const NO_COPIES: ReadonlyMap<number, StoredEvent> = new Map();
const NO_BUNDLES: ReadonlyMap<number, Bundle> = new Map();

/** The values besides the events that rendering needs. */
interface RenderContext {
  readonly lookups: Lookups;
  readonly reader: Reader;
  readonly now: number;
  readonly bundles: ReadonlyMap<number, Bundle>;
  /** The redacted copies of events that are erased for this reader. */
  readonly redacted: ReadonlyMap<number, StoredEvent>;
}

/** Renders events in their client form, with the members of `unsigned`. */
export class EventRenderer {
  readonly #parts: Parts;
  /** The transaction ids of events; `null` for an event that was sent without one. */
  readonly #transactions: Source<StoredEvent, NonNullable<StoredEvent['transaction']> | null>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#transactions = {
      peek: ({ transaction }) => (transaction === undefined ? NOT_LOADED : transaction),
      async load(events) {
        const found = await parts.transactions.ofEvents(events.map(({ num }) => num));
        for (const event of events) event.transaction = found.get(event.num) ?? null;
        return ({ transaction }) => transaction ?? null;
      },
    };
  }

  /** Renders events as JSON texts, in the same order. */
  render(reader: Reader, shown: readonly Shown[], format: ClientFormat): Promise<readonly string[]> {
    return inSlices(shown, EVENTS_AT_ONCE, (some) => complete((lookups) => this.texts(lookups, reader, some, format)));
  }

  /** Renders state events like {@link render}, without the reader's membership at the event. */
  renderState(reader: Reader, events: readonly StoredEvent[], format: ClientFormat): Promise<readonly string[]> {
    return this.render(
      reader,
      events.map((event) => ({ event })),
      format,
    );
  }

  /** Returns the same as {@link render}. */
  texts(lookups: Lookups, reader: Reader, shown: readonly Shown[], format: ClientFormat): string[] {
    const now = this.#parts.clock.now();
    const texts: string[] = [];
    const others: number[] = [];
    for (const one of shown) {
      const { event } = one;
      const isPlain =
        isLookedUp(event, reader) && isUnremarkable(event, reader) && !this.#parts.erasure.concerns(event);
      if (!isPlain) others.push(texts.length);
      texts.push(isPlain ? plainText(one, now, format) : '');
    }
    if (others.length === 0) return texts;
    const context = this.#context(
      lookups,
      reader,
      others.flatMap((at) => shown[at]?.event ?? []),
      now,
    );
    lookups.each(others, (at) => {
      const one = shown[at];
      if (one !== undefined) texts[at] = this.#text(one, context, format);
    });
    return texts;
  }

  #context(lookups: Lookups, reader: Reader, events: readonly StoredEvent[], now: number): RenderContext {
    const { bundles, erasure } = this.#parts;
    const own = events.filter(({ senderNum }) => senderNum === reader.user);
    const [outer] = lookups.both(
      () => bundles.bundles(lookups, events, reader),
      () => lookups.all(this.#transactions, own),
    );
    const latest = [...outer.values()].flatMap(({ thread }) => thread?.latest ?? []);
    const inner = latest.length === 0 ? NO_BUNDLES : bundles.bundles(lookups, latest, reader);
    const all = inner.size === 0 ? outer : new Map([...inner, ...outer]);
    const referred = this.#referred(lookups, [...events, ...latest]);
    const edits = [...all.values()].flatMap(({ edit }) => edit ?? []);
    const redacted = erasure.copies(lookups, reader.user, [...events, ...latest, ...edits, ...referred]);
    return { lookups, reader, now, bundles: all, redacted: redacted.size === 0 ? NO_COPIES : redacted };
  }

  /** Returns the events that the given events replace, and the redactions of the given events. */
  #referred(lookups: Lookups, events: readonly StoredEvent[]): StoredEvent[] {
    const nums = events.flatMap(({ replaces, redactedBy }) => [replaces ?? [], redactedBy ?? []].flat());
    return lookups.all(this.#parts.events.source, nums).filter((event) => event !== undefined);
  }

  #text(shown: Shown, context: RenderContext, format: ClientFormat): string {
    const { membership } = shown;
    const { now, reader, redacted, bundles, lookups } = context;
    const event = redacted.get(shown.event.num) ?? shown.event;
    if (!bundles.has(event.num) && isUnremarkable(event, reader)) return plainText({ ...shown, event }, now, format);
    const inner = { roomId: format.roomId, legacy: false };
    const find = (num: number) => lookups.get(this.#parts.events.source, num);
    const replaced = event.replaces === null ? undefined : (redacted.get(event.replaces) ?? find(event.replaces));
    const redaction = event.redactedBy === null ? undefined : find(event.redactedBy);
    const bundle = bundles.get(event.num);
    const parts: UnsignedParts = {
      age: Math.max(0, now - event.ts),
      membership,
      stickyTtlMs: stickyTtl(event, now),
      transactionId: transactionId(event, reader),
      prevContent:
        replaced === undefined
          ? undefined
          : { content: replaced.contentText, sender: replaced.sender, eventId: replaced.eventId },
      redactedBecause: redaction === undefined ? undefined : this.#text({ event: redaction }, context, inner),
      relations: bundle === undefined ? undefined : this.#relations(bundle, context, inner),
    };
    return clientEvent(event, format, parts);
  }

  #relations({ edit, references, thread }: Bundle, context: RenderContext, format: ClientFormat): string | undefined {
    const parts: string[] = [];
    if (edit !== undefined && !context.redacted.has(edit.num))
      parts.push(`"m.replace":${clientEvent(edit, format, { age: Math.max(0, context.now - edit.ts) })}`);
    if (references !== undefined) {
      parts.push(`"m.reference":${JSON.stringify({ chunk: references.map((eventId) => ({ event_id: eventId })) })}`);
    }
    if (thread !== undefined) {
      const latest = this.#text({ event: thread.latest }, context, format);
      parts.push(
        `"m.thread":{"latest_event":${latest},"count":${thread.count},"current_user_participated":${thread.participated}}`,
      );
    }
    return parts.length === 0 ? undefined : `{${parts.join(',')}}`;
  }
}

/**
 * Returns whether an event is rendered without lookups: it has no child, no replaced event and no unknown transaction.
 */
function isLookedUp(event: StoredEvent, reader: { readonly user: number }): boolean {
  if (event.aggregations !== null || event.replaces !== null || event.redactedBy !== null) return false;
  return event.transaction !== undefined || event.senderNum !== reader.user;
}

/** Returns whether `unsigned` contains only the age and the membership, apart from aggregations. */
function isUnremarkable(event: StoredEvent, reader: { readonly device: number }): boolean {
  const { replaces, redactedBy, extra, transaction } = event;
  if (replaces !== null || redactedBy !== null || extra !== null) return false;
  return transaction?.device !== reader.device;
}

function plainText({ event, membership }: Shown, now: number, format: ClientFormat): string {
  return clientEvent(event, format, { age: Math.max(0, now - event.ts), membership });
}

function stickyTtl({ stickyUntil }: StoredEvent, now: number): number | undefined {
  return stickyUntil === undefined || stickyUntil <= now ? undefined : stickyUntil - now;
}

/**
 * Returns the transaction id of an event for the device that sent it (client-server API, "Transaction identifiers").
 */
function transactionId(event: StoredEvent, reader: Reader): string | undefined {
  const { transaction } = event;
  if (transaction === null || transaction === undefined || transaction.device !== reader.device) return undefined;
  // The stored key begins with the kind of the request, see `transactionKey`.
  return transaction.txn.slice(transaction.txn.indexOf(' ') + 1);
}
