import { invalidParam, limitExceeded, MatrixError, matrixError, notFound } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { type Random, randomText } from '../platform/random.ts';
import type { TransactionKey } from '../rooms/events/draft.ts';
import type { Database } from '../storage/engine/database.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { Stream } from '../storage/engine/stream.ts';
import {
  type DelayedEventRow,
  deleteDelayedEvents,
  insertDelayedEvent,
  moveDelayedEvent,
  readDelayedEvents,
} from '../storage/rooms/events/delayed-events.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { DelayedSending } from './delayed-sending.ts';
import { WaitingEvents } from './waiting-events.ts';

/** The longest delay, in milliseconds. */
export const DELAY_MS_MAX = 24 * 60 * 60_000;
/** The maximum number of delayed events of a user. */
export const SCHEDULED_MAX = 100;
/** The maximum total length of a user's delayed events in characters, because all of them are in memory. */
const SCHEDULED_LENGTH_MAX = 512 * 1024;

const ID_CHARACTERS = 32;
/** The time until the next attempt after a failure of the database. */
const RETRY_MS = 5_000;
/** The number of completed requests whose repetitions get the first answer. */
const ANSWERED_MAX = 10_000;

interface DelayedEventsParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly background: Background;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly sending: DelayedSending;
}

/** An event to be sent later. */
export interface DelayedDraft {
  readonly roomId: string;
  readonly type: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  readonly delayMs: number;
  /** How long the event will be sticky (MSC4354), in milliseconds. */
  readonly stickyMs?: number | undefined;
  /** The transaction of a message. A repeated request schedules no second event. */
  readonly transaction?: TransactionKey;
}

/**
 * Events that the server sends later unless they are restarted or cancelled before (MSC4140). For instance, a client
 * that disappears leaves a call by a delayed event that it no longer restarts. All delayed events are on disk and in
 * memory.
 */
export class DelayedEvents {
  readonly #parts: DelayedEventsParts;
  readonly #waiting = new WaitingEvents();
  readonly #answered = new LruMap<string, string>(ANSWERED_MAX);
  #timer: Timer | undefined;

  private constructor(parts: DelayedEventsParts, rows: readonly DelayedEventRow[]) {
    this.#parts = parts;
    for (const row of rows) this.#remember(row);
    parts.stream.listen((changes) => {
      if (this.#waiting.size === 0) return;
      for (const change of changes) if (change.kind === 'event') this.#notice(change.event);
    });
  }

  static async open(parts: DelayedEventsParts): Promise<DelayedEvents> {
    return new DelayedEvents(parts, await readDelayedEvents(parts.database));
  }

  /** Starts sending due events. */
  start(): void {
    this.#schedule();
  }

  /** Schedules an event. Returns its delay id. @throws MatrixError */
  async schedule(caller: { user: number; userId: string; device: number }, draft: DelayedDraft): Promise<string> {
    const { clock, random, sending, database } = this.#parts;
    const { roomId, type, stateKey, content, stickyMs, delayMs, transaction } = draft;
    if (delayMs < 1) throw invalidParam('The delay must be at least 1 ms');
    if (delayMs > DELAY_MS_MAX) throw tooLong();
    const known = transaction === undefined ? undefined : this.#answered.get(requestKey(transaction));
    if (known !== undefined) return known;
    await sending.check(roomId, caller.user);
    const text = JSON.stringify(content);
    this.#checkCount(caller.user, text);
    const row: DelayedEventRow = {
      id: randomText(random, ID_CHARACTERS),
      user_num: caller.user,
      user_id: caller.userId,
      device: caller.device,
      txn: transaction?.txn ?? null,
      room_id: roomId,
      type,
      state_key: stateKey ?? null,
      content: text,
      sticky_ms: stickyMs ?? null,
      delay_ms: delayMs,
      send_ts: clock.now() + delayMs,
    };
    // The event is recorded first, so that a concurrent repetition finds it.
    this.#remember(row);
    try {
      await database.commit([insertDelayedEvent(row)]);
    } catch (error) {
      this.#waiting.delete(row.id);
      if (transaction !== undefined) this.#answered.delete(requestKey(transaction));
      throw error;
    }
    this.#schedule();
    return row.id;
  }

  /** Returns the delay id of an earlier request with a transaction id. */
  answered(transaction: TransactionKey): string | undefined {
    return this.#answered.get(requestKey(transaction));
  }

  /** Returns the delayed events of a user, the earliest first. */
  of(user: number): DelayedEventRow[] {
    return this.#waiting.of(user);
  }

  /** Cancels an event. @throws MatrixError M_NOT_FOUND */
  async cancel(id: string): Promise<void> {
    this.#get(id);
    await this.#forget([id]);
  }

  /** Restarts the delay of an event. @throws MatrixError M_NOT_FOUND */
  async restart(id: string): Promise<void> {
    const row = this.#get(id);
    const send_ts = this.#parts.clock.now() + row.delay_ms;
    this.#waiting.set({ ...row, send_ts });
    this.#schedule();
    await this.#parts.database.commit([moveDelayedEvent(id, send_ts)]);
  }

  /** Sends an event at once. @throws MatrixError M_NOT_FOUND, or the error of sending it */
  async send(id: string): Promise<void> {
    await this.#deliver(this.#get(id));
  }

  /** Stops sending. */
  close(): void {
    this.#timer?.cancel();
    this.#waiting.clear();
  }

  #get(id: string): DelayedEventRow {
    const row = this.#waiting.get(id);
    if (row === undefined) throw notFound('There is no delayed event with this delay id');
    return row;
  }

  #remember(row: DelayedEventRow): void {
    this.#waiting.set(row);
    if (row.txn !== null) this.#answered.set(requestKey({ device: row.device, txn: row.txn }), row.id);
  }

  /** @throws MatrixError M_LIMIT_EXCEEDED */
  #checkCount(user: number, added: string): void {
    const own = this.of(user);
    const first = own[0];
    const length = own.reduce((sum, { content }) => sum + content.length, added.length);
    if (first === undefined || (own.length < SCHEDULED_MAX && length <= SCHEDULED_LENGTH_MAX)) return;
    throw limitExceeded(Math.max(first.send_ts - this.#parts.clock.now(), 1), 'You have too many delayed events');
  }

  async #forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) this.#waiting.delete(id);
    await this.#parts.database.commit([deleteDelayedEvents(ids)]);
  }

  /**
   * Cancels delayed state events when another user sets the same state, because they were meant for the earlier state.
   */
  #notice(num: number): void {
    const event = this.#parts.events.cached(num);
    if (event?.stateKey === undefined) return;
    const overtaken = this.#waiting
      .ofState(event.roomId, event.type, event.stateKey)
      .filter((row) => row.user_num !== event.senderNum);
    if (overtaken.length === 0) return;
    const ids = overtaken.map(({ id }) => id);
    this.#parts.background.start('cancelling replaced delayed events', () => this.#forget(ids));
  }

  /** Sets the timer for the event that is due first. */
  #schedule(): void {
    const { clock, background } = this.#parts;
    this.#timer?.cancel();
    const next = this.#waiting.first();
    if (next === undefined) return;
    this.#timer = clock.after(next.send_ts - clock.now(), () =>
      background.start('sending delayed events', () => this.#sendDue()),
    );
  }

  async #sendDue(): Promise<void> {
    const { database, background, clock } = this.#parts;
    const due = this.#waiting.due(clock.now());
    try {
      for (const row of due) {
        // The event may have been cancelled while others were sent.
        if (this.#waiting.get(row.id)?.send_ts !== row.send_ts) continue;
        const failure = await failureOfRow(database, () => this.#deliver(row).catch(unlessRefused));
        if (failure === undefined) continue;
        // The event stays on disk, and is tried again after the next start.
        this.#waiting.delete(row.id);
        background.setAside('delayed-events', { id: row.id }, failure);
      }
    } finally {
      this.#schedule();
    }
  }

  /** Sends an event and deletes the row in one transaction, so that a crash neither loses nor doubles the event. */
  async #deliver(row: DelayedEventRow): Promise<void> {
    const { id } = row;
    this.#waiting.delete(id);
    try {
      await this.#parts.sending.send(row, [deleteDelayedEvents([id])]);
    } catch (error) {
      if (!(error instanceof MatrixError)) {
        this.#waiting.set({ ...row, send_ts: this.#parts.clock.now() + RETRY_MS });
      } else await this.#forget([id]);
      throw error;
    }
    // If the state was already the same, no event was sent and the row still exists.
    await this.#forget([id]);
  }
}

/** Ignores the error of an event that the room rejects, for instance after a kick, because no request waits for it. */
function unlessRefused(error: unknown): void {
  if (!(error instanceof MatrixError)) throw error;
}

function requestKey({ device, txn }: TransactionKey): string {
  return `${device}/${txn}`;
}

/** Returns the error with the maximum delay, which clients then use. */
function tooLong(): MatrixError {
  const fields = {
    'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
    'org.matrix.msc4140.max_delay': DELAY_MS_MAX,
  };
  return matrixError('M_INVALID_PARAM', `The delay exceeds ${DELAY_MS_MAX} ms`, { fields });
}
