import { parseJson } from '@hearth/protocol/json/parse.ts';
import { asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { cacheBytes } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { KeyedTasks } from '../../platform/concurrency/keyed-tasks.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Counter, Metrics } from '../../platform/monitoring/metrics.ts';
import { Unavailable } from '../../platform/unavailable.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import {
  countStagedEvents,
  insertStagedEvent,
  readStagedEvents,
  removeStagedEvents,
  type StagedEvent,
} from '../../storage/federation/staged-events.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import { aclPermits } from './acl.ts';
import { type IncomingEvent, readIncoming } from './incoming.ts';
import type { OutsideChanges } from './outside-changes.ts';
import type { Receiver } from './receive.ts';
import { NotReceived } from './receive-error.ts';

interface StagingParts {
  readonly storage: { readonly database: Database; readonly stream: Stream };
  readonly rooms: { readonly heads: Heads; readonly servers: ServersInRooms; readonly outside: OutsideChanges };
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly background: Background;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly metrics: Metrics;
}

/** The result of each event of a transaction, by event id: an empty object, or an error. */
export type TransactionResults = Record<string, { error?: string }>;

const READ_AT_ONCE = 50;
/** The names of the values of `STANDING`. */
const OUTCOMES = ['accepted', 'soft-failed', 'rejected', 'outlier'] as const;
/** The number of rooms whose events are processed at the same time. */
const ROOMS_MAX = 20;
/** The number of events of a room that wait. Further ones are refused, so that a server cannot fill the disk. */
const WAITING_MAX = 20_000;
/** The time until an event is tried again whose earlier events or state nobody provides. It doubles with each attempt. */
const RETRY_MS_MIN = 10_000;
const RETRY_MS_MAX = 60 * 60_000;
/** The time for which an event is tried again. */
const KEPT_MS = 2 * 24 * 60 * 60_000;

/** An event that needs no further attempt. `stored` settles with its commit. */
interface Processed {
  readonly stored: Promise<void>;
}

const PROCESSED: Processed = { stored: Promise.resolve() };
/** The number of events that were parsed when they arrived and are kept until they are processed. */
const PARSED_MAX = 2_000;

/**
 * Stores the events of transactions, and processes them afterwards: those of a room in order, those of different rooms
 * concurrently. An event stays stored until it is processed, also across restarts.
 */
export class Staging {
  readonly #parts: StagingParts;
  readonly #tasks: KeyedTasks<string>;
  /** The numbers of stored events by room. */
  readonly #counts = new Map<string, number>();
  readonly #parsed = new LruMap<string, IncomingEvent>(PARSED_MAX, {
    bytesMax: cacheBytes(32),
    bytesOf: ({ pdu }) => 2_000 + 4 * JSON.stringify(pdu.content).length,
  });
  /** The events that could not be processed, with the time of the next attempt. */
  readonly #later = new Map<number, { readonly atMs: number; readonly waitMs: number }>();

  readonly #received: Counter;

  constructor(parts: StagingParts) {
    this.#parts = parts;
    const { clock, background, metrics } = parts;
    const help = 'Events of other servers that were processed, by their outcome';
    this.#received = metrics.counter('hearth_federation_received_events_total', help, ['outcome']);
    metrics.gauge('hearth_federation_staged_events', 'Received events that are not processed yet', () =>
      this.#waiting(),
    );
    const later = 'Received events whose earlier events or state nobody has answered yet';
    metrics.gauge('hearth_federation_waiting_events', later, () => this.#later.size);
    const limits = { runningMax: ROOMS_MAX, errorWaitMs: RETRY_MS_MIN };
    this.#tasks = new KeyedTasks({ clock, background, name: 'processing received events', ...limits }, (roomId) =>
      this.#run(roomId),
    );
  }

  /** Processes what was stored before the start of the process. */
  async start(): Promise<void> {
    for (const [roomId, count] of await countStagedEvents(this.#parts.storage.database))
      this.#counts.set(roomId, (this.#counts.get(roomId) ?? 0) + count);
    this.#tasks.wake(this.#counts.keys());
  }

  close(): void {
    this.#tasks.close();
  }

  /** Stores the events of a transaction. Resolves with their results when they are on disk. */
  async add(origin: string, values: readonly unknown[]): Promise<TransactionResults> {
    const { storage, clock } = this.#parts;
    const results: TransactionResults = {};
    const accepted: Omit<StagedEvent, 'num'>[] = [];
    for (const value of values) {
      if (!isObject(value)) continue;
      const { eventId, refusal, roomId } = await this.#check(origin, value);
      if (eventId === undefined) continue;
      results[eventId] = refusal === undefined ? {} : { error: refusal };
      if (refusal === undefined && roomId !== undefined)
        accepted.push({ roomId, eventId, origin, json: JSON.stringify(value), ts: clock.now() });
    }
    if (accepted.length === 0) return results;
    const writes = accepted.map((one) => insertStagedEvent({ ...one, num: storage.stream.next() }));
    await storage.stream.commit(writes, []);
    for (const { roomId } of accepted) this.#counts.set(roomId, (this.#counts.get(roomId) ?? 0) + 1);
    const rooms = new Set(accepted.map(({ roomId }) => roomId));
    for (const roomId of rooms) this.#tasks.endWait(roomId);
    this.#tasks.wake(rooms);
    return results;
  }

  /** Checks whether an event of a transaction is processed at all. */
  async #check(
    origin: string,
    value: JsonObject,
  ): Promise<{ readonly eventId?: string; readonly refusal?: string; readonly roomId?: string }> {
    const head = await this.#headOf(value);
    if (head === undefined) {
      // The id depends on the version of the room, which is unknown.
      const eventId = asString(value.event_id);
      return eventId === undefined ? {} : { eventId, refusal: 'The room is unknown' };
    }
    const { incoming } = readIncoming(value, head.version);
    if (incoming === undefined) return {};
    const { eventId } = incoming;
    if (incoming.roomId !== head.roomId) return { eventId, refusal: 'The event belongs to another room' };
    if (!(await this.#parts.rooms.servers.isLocal(head))) {
      const isReceived = await this.#parts.rooms.outside.receive(head, incoming, origin);
      return isReceived ? { eventId } : { eventId, refusal: 'This server is not in the room' };
    }
    if (!(await aclPermits(head, origin))) return { eventId, refusal: `The room excludes ${origin}` };
    if ((this.#counts.get(head.roomId) ?? 0) >= WAITING_MAX)
      return { eventId, refusal: 'Too many events of the room are waiting' };
    this.#parsed.set(eventId, incoming);
    return { eventId, roomId: head.roomId };
  }

  async #headOf(value: JsonObject): Promise<Head | undefined> {
    const roomId = asString(value.room_id);
    return roomId === undefined ? undefined : this.#parts.rooms.heads.find(roomId);
  }

  /** Processes the events of a room that are due. Returns the time until the next one is. */
  async #run(roomId: string): Promise<number | undefined> {
    const { database } = this.#parts.storage;
    while (!this.#tasks.isClosed) {
      const staged = await readStagedEvents(database, roomId, READ_AT_ONCE + this.#later.size);
      const now = this.#parts.clock.elapsed();
      const due = staged.filter(({ num }) => (this.#later.get(num)?.atMs ?? 0) <= now);
      if (due.length === 0) {
        if (staged.length === 0) this.#counts.delete(roomId);
        const times = staged.map(({ num }) => (this.#later.get(num)?.atMs ?? now) - now);
        return times.length === 0 ? undefined : Math.max(1, Math.min(...times));
      }
      const done: number[] = [];
      const stored: Promise<void>[] = [];
      for (const one of due) {
        if (this.#tasks.isClosed) break;
        const result = await this.#process(one);
        if (result === undefined) continue;
        done.push(one.num);
        stored.push(result.stored);
      }
      await Promise.all(stored);
      if (done.length === 0) continue;
      await database.commit([removeStagedEvents(done)]);
      this.#removed(roomId, done.length);
      for (const num of done) this.#later.delete(num);
      // Events that wait may follow one of these.
      for (const { num } of staged) this.#later.delete(num);
    }
    return undefined;
  }

  #waiting(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  #removed(roomId: string, count: number): void {
    this.#counts.set(roomId, Math.max(0, (this.#counts.get(roomId) ?? 0) - count));
  }

  /** Processes an event. Returns its commit; undefined if the event has to be tried again. */
  async #process(staged: StagedEvent): Promise<Processed | undefined> {
    const { roomId, eventId, origin } = staged;
    const head = await this.#parts.rooms.heads.find(roomId);
    const incoming = head && (this.#parsed.get(eventId) ?? readIncoming(parseJson(staged.json), head.version).incoming);
    if (head === undefined || incoming === undefined) return PROCESSED;
    this.#parsed.delete(eventId);
    // The last user of this server has left since the event arrived. Nobody answers what is missing before it any more.
    if (!(await this.#parts.rooms.servers.isLocal(head))) return PROCESSED;
    try {
      const { event, stored } = await this.#parts.receiver.decide(head, incoming, origin);
      const outcome = OUTCOMES[event.standing];
      this.#received.add(1, { outcome });
      if (event.seq === null)
        this.#parts.log.info('an event of another server was not accepted', { roomId, eventId, origin, outcome });
      return { stored };
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      return this.#failed(staged, error);
    }
  }

  /** Notes that an event could not be processed. */
  #failed(staged: StagedEvent, error: unknown): Processed | undefined {
    const { log, clock, background } = this.#parts;
    const { roomId, eventId, origin, num, ts } = staged;
    if (!(error instanceof NotReceived || error instanceof FederationError)) {
      // One event that this program cannot process must not hold up the others of the room.
      background.setAside('processing received events', { roomId, eventId, origin }, error);
      return PROCESSED;
    }
    const fields = { roomId, eventId, origin, reason: error.message };
    if (error instanceof NotReceived && error.isFinal) {
      this.#received.add(1, { outcome: 'dropped' });
      log.info('an event of another server was dropped', fields);
      return PROCESSED;
    }
    if (clock.now() - ts > KEPT_MS) {
      log.warn('an event of another server was given up', fields);
      return PROCESSED;
    }
    const waitMs = Math.min(RETRY_MS_MAX, 2 * (this.#later.get(num)?.waitMs ?? RETRY_MS_MIN / 2));
    this.#later.set(num, { atMs: clock.elapsed() + waitMs, waitMs });
    log.info('an event of another server waits', { ...fields, waitMs });
    return undefined;
  }
}
