import type { Background } from '../platform/concurrency/background.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { ReceiptSender, Receipts, RemoteReceipt } from './receipts.ts';

interface EarlyReceipt {
  readonly sender: ReceiptSender;
  readonly room: number;
  readonly receipt: RemoteReceipt;
}

interface Parts {
  readonly stream: Stream;
  readonly events: EventStore;
  readonly receipts: Receipts;
  readonly background: Background;
}

/** The number of events with early receipts, and of the early receipts of one event. */
const EVENTS_MAX = 2_000;
const OF_EVENT_MAX = 100;

/**
 * Receipts of other servers for events that have not arrived yet: a server may be told of a receipt before it has
 * processed the event. They are in memory, a bounded number of them.
 */
export class EarlyReceipts {
  readonly #parts: Parts;
  /** The receipts by event id, and then by user and thread. */
  readonly #events = new Map<string, Map<string, EarlyReceipt>>();

  constructor(parts: Parts) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      if (this.#events.size === 0) return;
      for (const change of changes) if (change.kind === 'event') this.#arrived(change);
    });
  }

  /** Keeps a receipt until its event arrives. */
  keep(sender: ReceiptSender, room: number, receipt: RemoteReceipt): void {
    const { eventId, thread } = receipt;
    const receipts = this.#events.get(eventId) ?? new Map<string, EarlyReceipt>();
    const key = `${room} ${sender.user} ${thread}`;
    if (receipts.size >= OF_EVENT_MAX && !receipts.has(key)) return;
    this.#events.set(eventId, receipts.set(key, { sender, room, receipt }));
    if (this.#events.size > EVENTS_MAX) for (const oldest of this.#events.keys().take(1)) this.#events.delete(oldest);
  }

  #arrived({ event }: Change & { readonly kind: 'event' }): void {
    const { events, background } = this.#parts;
    const eventId = events.cached(event)?.eventId;
    const receipts = eventId === undefined ? undefined : this.#events.get(eventId);
    if (eventId === undefined || receipts === undefined) return;
    this.#events.delete(eventId);
    background.start('storing receipts that arrived before their event', () => this.#store([...receipts.values()]));
  }

  async #store(early: readonly EarlyReceipt[]): Promise<void> {
    const { receipts } = this.#parts;
    await Promise.all(early.map(({ sender, room, receipt }) => receipts.receive(sender, room, receipt)));
  }
}
