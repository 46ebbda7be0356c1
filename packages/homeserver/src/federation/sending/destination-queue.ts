import type { SendableEvent } from '../../storage/federation/sendable-events.ts';

/** An event that waits for servers. All servers share the object. */
export interface QueuedEvent extends SendableEvent {
  /** The time at which it was queued, as `Clock.elapsed` gives it. */
  readonly queuedAtMs: number;
}

/** An EDU that is not stored, as canonical JSON. */
export interface QueuedEdu {
  readonly key: string;
  readonly text: string;
}

/** The content of a transaction that was not accepted yet. It is repeated with the same id and content. */
export interface Attempt {
  readonly id: string;
  readonly ts: number;
  readonly events: readonly QueuedEvent[];
  /** Whether the events are the newest of their rooms instead of the next ones. */
  readonly isCatchUp: boolean;
  /** The number of the last stored EDU in the transaction; undefined if there is none. */
  readonly storedThrough: number | undefined;
  readonly edus: readonly QueuedEdu[];
}

/** The events that a server has missed and that are sent to it first, and the position up to which they reach. */
interface CatchUpRound {
  readonly upTo: number;
  events: readonly QueuedEvent[];
  /** Whether events after `upTo` were dropped, so that another round must follow. */
  hasOverflowed: boolean;
}

/** The limits of a transaction (server-server API, "Transactions"). */
const PDUS_MAX = 50;
export const EDUS_MAX = 100;
/** The maximum number of events that wait in memory for a server. If there are more, they are read from disk later. */
export const EVENTS_WAITING_MAX = 10_000;
/** The maximum number of EDUs that wait in memory for a server. The oldest are dropped first. */
const EDUS_WAITING_MAX = 100;

/**
 * The queue of one destination. Events are in order. If there are too many of them, the queue drops them and notes the
 * position from which they must be read again (`behind`).
 */
export class DestinationQueue {
  /** The transaction that is sent next, or that is in flight. */
  attempt: Attempt | undefined;
  /** Whether EDUs may wait on disk. */
  hasStoredEdus = false;
  /** The number of transactions that the server has refused since it accepted one. */
  refusals = 0;
  #events: QueuedEvent[] = [];
  #behind: number | undefined;
  #round: CatchUpRound | undefined;
  readonly #edus = new Map<string, string>();
  #unitsMax = PDUS_MAX + EDUS_MAX;

  /** The position up to which the server has everything, if later events have to be read from disk. */
  get behind(): number | undefined {
    return this.#behind;
  }

  /** Whether the events that the server has missed have to be read now. */
  get needsRound(): boolean {
    return this.#behind !== undefined && this.#round === undefined;
  }

  get isCatchingUp(): boolean {
    return this.#round !== undefined;
  }

  /** The number of PDUs and EDUs that the next transaction may have. It is smaller after the server has refused one. */
  get unitsMax(): number {
    return this.#unitsMax;
  }

  get eventsWaiting(): number {
    return this.#events.length + (this.#round?.events.length ?? 0) + (this.attempt?.events.length ?? 0);
  }

  get edusWaiting(): number {
    return this.#edus.size + (this.attempt?.edus.length ?? 0);
  }

  /** The first event that waits in memory. */
  get oldest(): QueuedEvent | undefined {
    return this.attempt?.events[0] ?? this.#events[0];
  }

  /** The position up to which the server has everything; undefined if nothing waits. */
  get reached(): number | undefined {
    if (this.#behind !== undefined) return this.#behind;
    const first = this.oldest;
    return first === undefined ? undefined : first.position - 1;
  }

  /** Whether so much waits that waiting for more would not make the next transaction fuller. */
  get hasFullTransaction(): boolean {
    return this.attempt !== undefined || this.#behind !== undefined || this.#events.length >= PDUS_MAX;
  }

  get isIdle(): boolean {
    const hasWork = this.#behind !== undefined || this.#events.length > 0 || this.#edus.size > 0 || this.hasStoredEdus;
    return !hasWork && this.attempt === undefined;
  }

  /** Queues an event, unless it will be read from disk. */
  addEvent(event: QueuedEvent, waitingMax: number): void {
    if (this.needsRound || this.#round?.hasOverflowed === true) return;
    if (this.#events.length < waitingMax) {
      this.#events.push(event);
      return;
    }
    if (this.#round === undefined) this.#behind = this.reached ?? event.position - 1;
    else this.#round.hasOverflowed = true;
    this.#events = [];
  }

  /** Returns the number of EDUs that were dropped. */
  addEdu({ key, text }: QueuedEdu): number {
    this.#edus.set(key, text);
    if (this.#edus.size <= EDUS_WAITING_MAX) return 0;
    for (const oldest of this.#edus.keys().take(1)) this.#edus.delete(oldest);
    return 1;
  }

  /** Drops the EDUs in memory. Returns how many there were. */
  dropEdus(): number {
    const dropped = this.edusWaiting;
    this.#edus.clear();
    if (this.attempt !== undefined) this.attempt = { ...this.attempt, edus: [] };
    return dropped;
  }

  /** Notes that everything after a position has to be read from disk. The queue is empty. */
  fallBehind(position: number): void {
    this.#behind = position;
  }

  /** Drops the events that wait in memory. They are read from disk later. */
  dropEvents(): void {
    this.#behind = this.reached;
    this.#events = [];
    this.#round = undefined;
  }

  /** Begins to send the events up to a position that the server has missed. Later events are queued from now on. */
  beginRound(upTo: number): void {
    this.#events = [];
    this.#round = { upTo, events: [], hasOverflowed: false };
  }

  /** Adds the missed events to the round that has begun. */
  fillRound(events: readonly QueuedEvent[]): void {
    if (this.#round !== undefined) this.#round.events = events;
  }

  /** Ends a round whose missed events cannot be read now. */
  abortRound(): void {
    this.#round = undefined;
  }

  /** Ends a round whose events have all been sent. Returns whether the server has caught up. */
  endRoundIfSent(): boolean {
    const round = this.#round;
    if (round === undefined || round.events.length > 0 || this.attempt !== undefined) return false;
    this.#round = undefined;
    this.#behind = round.hasOverflowed ? round.upTo : undefined;
    return !round.hasOverflowed;
  }

  /** Removes and returns the events of the next transaction. */
  takeEvents(): readonly QueuedEvent[] {
    const count = Math.min(PDUS_MAX, this.#unitsMax);
    const round = this.#round;
    if (round === undefined) return this.#events.splice(0, count);
    const taken = round.events.slice(0, count);
    round.events = round.events.slice(count);
    return taken;
  }

  /** Puts events back that {@link takeEvents} has returned last and that were not sent. */
  returnEvents(events: readonly QueuedEvent[]): void {
    if (events.length === 0) return;
    if (this.#round !== undefined) this.#round.events = [...events, ...this.#round.events];
    else if (this.#behind === undefined) this.#events.unshift(...events);
  }

  /** Removes and returns EDUs for the next transaction. */
  takeEdus(countMax: number, bytesMax: number): QueuedEdu[] {
    const taken: QueuedEdu[] = [];
    let bytes = 0;
    for (const [key, text] of this.#edus) {
      bytes += Buffer.byteLength(text);
      if (taken.length >= countMax || (taken.length > 0 && bytes > bytesMax)) break;
      taken.push({ key, text });
      this.#edus.delete(key);
    }
    return taken;
  }

  /** Notes that the server has accepted the transaction. */
  accepted(): void {
    const last = this.attempt?.isCatchUp === true ? undefined : this.attempt?.events.at(-1);
    // Events beyond the queue were dropped while the transaction was in flight.
    if (last !== undefined && this.needsRound) this.#behind = Math.max(this.#behind ?? 0, last.position);
    this.attempt = undefined;
    this.refusals = 0;
    this.#unitsMax = Math.min(PDUS_MAX + EDUS_MAX, this.#unitsMax * 2);
  }

  /**
   * Splits the transaction after a refusal, so that the next one has half of it. EDUs in memory are dropped. Returns
   * how many.
   */
  split(units: number): number {
    const { attempt } = this;
    if (attempt === undefined) return 0;
    this.attempt = undefined;
    this.#unitsMax = Math.max(1, Math.floor(units / 2));
    if (attempt.storedThrough !== undefined) this.hasStoredEdus = true;
    this.returnEvents(attempt.events);
    return attempt.edus.length;
  }
}
