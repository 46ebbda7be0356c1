import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { nextTurn } from '../../platform/concurrency/in-slices.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import {
  type Audience,
  insertForwardedEvent,
  isForwarded,
  readSendableEvents,
  type SendableEvent,
} from '../../storage/federation/sendable-events.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TransactionSender } from './transaction-sender.ts';

/** The events that other servers get. */
export interface EventDestinations {
  /** Returns which servers get an event; undefined for none. */
  audienceOf(event: StoredEvent): Audience | undefined;
  /** Returns the other servers that get an event, as a promise only if something has to be loaded. */
  serversFor(event: StoredEvent, audience: Audience): readonly string[] | Promise<readonly string[]>;
}

/** A change of the stream that servers may get. The event is undefined if it is not in memory. */
interface Announced {
  readonly position: number;
  readonly event: StoredEvent | undefined;
  readonly audience: Audience;
}

interface DistributionParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly destinations: EventDestinations;
  readonly sender: Pick<TransactionSender, 'sendEvent' | 'wake'>;
  readonly clock: Clock;
  readonly background: Background;
}

const READ_AT_ONCE = 500;
/** The number of positions that one query examines, so that it does not block other requests. */
const WINDOW = 5_000;
const RETRY_MS = 1_000;
/** The number of servers for which transactions are prepared before other requests run. */
const WOKEN_AT_ONCE = 20;

/**
 * Puts the events that other servers get into the queues of these servers, in the order of the stream. Events go from
 * the stream to the queues directly as long as everything necessary is in memory. Otherwise they are read from disk,
 * beginning with the first one that could not be distributed, until the end of the stream is reached.
 */
export class EventDistribution {
  readonly #parts: DistributionParts;
  /** The position up to which all events are in the queues, while events are read from disk; otherwise undefined. */
  #readFrom: number | undefined = 0;
  /** The servers for which events were queued and that are not woken yet. */
  readonly #queued = new Set<string>();
  #isWaking = false;
  #isClosed = false;

  constructor(parts: DistributionParts) {
    this.#parts = parts;
    parts.stream.listen((changes) => this.#announced(changes));
  }

  /** The position up to which all events are in the queues. */
  get position(): number {
    return this.#readFrom ?? this.#parts.stream.current;
  }

  /** Begins with the events after a position. */
  start(position: number): void {
    this.#readOn(position);
  }

  close(): void {
    this.#isClosed = true;
  }

  /**
   * Sends an event of another server to the other servers of its room, because this server has accepted it on behalf of
   * the server that sent it; once, also if that server repeats its request. An event of this server is sent again.
   * Resolves when the event will be sent even if the process ends.
   */
  async alsoSend(event: StoredEvent): Promise<void> {
    const { database, stream, clock, destinations } = this.#parts;
    const isOwn = destinations.audienceOf(event) === 'room';
    if (!isOwn && (await isForwarded(database, event.num))) return;
    const position = stream.next();
    const write = insertForwardedEvent(position, event.num, clock.now());
    await stream.commit([write], [], () => {
      this.#distributeNow([{ position, event, audience: 'room' }]);
    });
  }

  /**
   * Sends an event to servers that are not in its room. It is not kept for them: they do not get it if this server ends
   * before they have answered, or if they do not answer for long.
   */
  sendOnce({ num }: StoredEvent, servers: readonly string[]): void {
    this.#queue({ position: this.#parts.stream.current, num }, servers);
  }

  #announced(changes: readonly Change[]): void {
    if (this.#readFrom !== undefined) return;
    const { events, destinations } = this.#parts;
    const announced: Announced[] = [];
    for (const change of changes) {
      if (change.kind !== 'event') continue;
      const { position } = change;
      const event = events.cached(change.event);
      const audience = event === undefined ? 'room' : destinations.audienceOf(event);
      if (audience !== undefined) announced.push({ position, event, audience });
    }
    if (announced.length > 0) this.#distributeNow(announced);
  }

  /** Distributes events without waiting. If that is not possible, the rest is read from disk. */
  #distributeNow(some: readonly Announced[]): void {
    for (const { position, event, audience } of some) {
      if (this.#readFrom !== undefined) break;
      const servers = event && this.#parts.destinations.serversFor(event, audience);
      if (servers === undefined || servers instanceof Promise) {
        servers?.catch(() => undefined);
        this.#readOn(position - 1);
      } else this.#queue({ position, num: event?.num ?? 0 }, servers);
    }
  }

  #queue(event: SendableEvent, servers: readonly string[]): void {
    if (servers.length === 0) return;
    const { sender, clock, background } = this.#parts;
    sender.sendEvent({ ...event, queuedAtMs: clock.elapsed() }, servers);
    for (const server of servers) this.#queued.add(server);
    if (this.#isWaking) return;
    this.#isWaking = true;
    background.start('sending events to other servers', () => this.#wake());
  }

  /**
   * Lets the servers for which events were queued be sent to. The answer to the sender of an event leaves before, and
   * other requests are served in between.
   */
  async #wake(): Promise<void> {
    while (this.#queued.size > 0) {
      await nextTurn();
      const some = [...this.#queued.values().take(WOKEN_AT_ONCE)];
      for (const server of some) this.#queued.delete(server);
      this.#parts.sender.wake(some);
    }
    this.#isWaking = false;
  }

  #readOn(position: number): void {
    this.#readFrom = position;
    this.#parts.background.start('reading events for other servers', () => this.#read());
  }

  /** Reads events until the end of the stream. */
  async #read(): Promise<void> {
    const { stream, clock } = this.#parts;
    // The position of an announced change is in the stream only after its listeners have returned.
    await nextTurn();
    try {
      while (!this.#isClosed && this.#readFrom !== undefined) {
        if (this.#readFrom >= stream.current) this.#readFrom = undefined;
        else this.#readFrom = await this.#readPage(this.#readFrom, Math.min(this.#readFrom + WINDOW, stream.current));
      }
    } catch (error) {
      const from = this.#readFrom;
      if (from !== undefined && !this.#isClosed) clock.after(RETRY_MS, () => this.#readOn(from));
      throw error;
    }
  }

  /** Distributes the first events of a range. Returns the position that is reached. */
  async #readPage(after: number, upTo: number): Promise<number> {
    const { database, events, destinations } = this.#parts;
    const found = await readSendableEvents(database, { after, upTo }, READ_AT_ONCE);
    const stored = await events.load(found.map(({ num }) => num));
    for (const { position, num, audience } of found) {
      const event = stored.get(num);
      if (event !== undefined) this.#queue({ position, num }, await destinations.serversFor(event, audience));
      this.#readFrom = position;
    }
    return found.length < READ_AT_ONCE ? upTo : (found.at(-1)?.position ?? upTo);
  }
}
