import { parseJson } from '@hearth/protocol/json/parse.ts';
import { asString, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { cacheBytes } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Counter, Metrics } from '../../platform/monitoring/metrics.ts';
import { Unavailable } from '../../platform/unavailable.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { countStagedEvents, insertStagedEvent, type StagedEvent } from '../../storage/federation/staged-events.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { HeldEvents } from '../peeking/held-events.ts';
import type { RemotePeeks } from '../peeking/remote-peeks.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import { aclPermits } from './acl.ts';
import { type IncomingEvent, readIncoming } from './incoming.ts';
import type { OutsideChanges } from './outside-changes.ts';
import type { Receiver } from './receive.ts';
import { NotReceived } from './receive-error.ts';
import { Lanes, type Outcome } from './staged/lanes.ts';

interface StagingParts {
  readonly storage: { readonly database: Database; readonly stream: Stream };
  readonly rooms: {
    readonly heads: Heads;
    readonly servers: ServersInRooms;
    readonly outside: OutsideChanges;
    readonly peeks: RemotePeeks;
    readonly held: HeldEvents;
  };
  readonly receiver: Receiver;
  readonly clock: Clock;
  readonly background: Background;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly metrics: Metrics;
}

/** The result of each event of a transaction, by event id: an empty object, or an error. */
export type TransactionResults = Record<string, { error?: string }>;

/** The names of the values of `STANDING`. */
const OUTCOMES = ['accepted', 'soft-failed', 'rejected', 'outlier'] as const;
/** The number of events of a server in a room that wait. Further ones are refused, so that it cannot fill the disk. */
const WAITING_MAX = 20_000;

const PROCESSED: Outcome = { stored: Promise.resolve() };
/** The number of events that were parsed when they arrived and are kept until they are processed. */
const PARSED_MAX = 2_000;

/**
 * Stores the events of transactions, and processes them afterwards: those of a room in order, those of different rooms
 * concurrently. An event stays stored until it is processed, also across restarts.
 */
export class Staging {
  readonly #parts: StagingParts;
  readonly #lanes: Lanes;
  /** The numbers of stored events by {@link countKey}. */
  readonly #counts = new Map<string, number>();
  readonly #parsed = new LruMap<string, ParsedEvent>(PARSED_MAX, {
    bytesMax: cacheBytes(32),
    bytesOf: ({ length }) => 2_000 + 4 * length,
  });
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
    metrics.gauge('hearth_federation_waiting_events', later, () => this.#lanes.waiting);
    this.#lanes = new Lanes({
      database: parts.storage.database,
      areStored: (eventIds) => parts.receiver.stored(eventIds),
      process: (staged, attempt) => this.#process(staged, attempt),
      onDone: (staged) => {
        for (const one of staged) this.#count(one, -1);
      },
      clock,
      background,
      log: parts.log,
    });
  }

  /** Processes what was stored before the start of the process. */
  async start(): Promise<void> {
    for (const stored of await countStagedEvents(this.#parts.storage.database)) {
      this.#count(stored, stored.count);
      this.#lanes.wake(stored.roomId, stored.origin);
    }
  }

  close(): void {
    this.#lanes.close();
  }

  /** Stores the events of a transaction. Resolves with their results when they are on disk. */
  async add(origin: string, values: readonly unknown[]): Promise<TransactionResults> {
    const { storage, clock } = this.#parts;
    const results: TransactionResults = {};
    const accepted: Omit<StagedEvent, 'num'>[] = [];
    for (const value of values) {
      if (!isObject(value)) continue;
      const { eventId, refusal, incoming } = await this.#check(origin, value);
      if (eventId === undefined) continue;
      results[eventId] = refusal === undefined ? {} : { error: refusal };
      if (incoming === undefined) continue;
      const json = JSON.stringify(value);
      // Another server may send the same event with other signatures.
      this.#parsed.set(parsedKey({ eventId, origin }), { incoming, length: json.length });
      accepted.push({ roomId: incoming.roomId, eventId, origin, json, ts: clock.now() });
    }
    if (accepted.length === 0) return results;
    const writes = accepted.map((one) => insertStagedEvent({ ...one, num: storage.stream.next() }));
    await storage.stream.commit(writes, []);
    for (const one of accepted) this.#count(one, 1);
    for (const roomId of new Set(accepted.map((one) => one.roomId))) this.#lanes.wake(roomId, origin);
    return results;
  }

  /** Checks whether an event of a transaction is processed at all. `incoming` is present if it is staged. */
  async #check(
    origin: string,
    value: JsonObject,
  ): Promise<{ readonly eventId?: string; readonly refusal?: string; readonly incoming?: IncomingEvent }> {
    const head = await this.#headOf(value);
    if (head === undefined) {
      // The id depends on the version of the room, which is unknown.
      const eventId = asString(value.event_id);
      if (this.#parts.rooms.held.hold(asString(value.room_id) ?? '', origin, value)) return {};
      return eventId === undefined ? {} : { eventId, refusal: 'The room is unknown' };
    }
    const { incoming } = readIncoming(value, head.version);
    if (incoming === undefined) return {};
    const { eventId } = incoming;
    if (incoming.roomId !== head.roomId) return { eventId, refusal: 'The event belongs to another room' };
    if (!(await this.#isReceived(head, origin))) {
      if (this.#parts.rooms.held.hold(head.roomId, origin, value)) return { eventId };
      const isReceived = await this.#parts.rooms.outside.receive(head, incoming, origin);
      return isReceived ? { eventId } : { eventId, refusal: 'This server is not in the room' };
    }
    if (!(await aclPermits(head, origin))) return { eventId, refusal: `The room excludes ${origin}` };
    const { roomId } = head;
    if ((this.#counts.get(countKey({ roomId, origin })) ?? 0) >= WAITING_MAX)
      return { eventId, refusal: 'Too many events of the room are waiting' };
    return { eventId, incoming };
  }

  /** Returns whether a server sends this one the events of a room: this server is in the room, or peeks through that server. */
  async #isReceived(head: Head, origin: string): Promise<boolean> {
    const { peeks, servers } = this.#parts.rooms;
    return peeks.of(head.num)?.server === origin || (await servers.isLocal(head));
  }

  async #headOf(value: JsonObject): Promise<Head | undefined> {
    const roomId = asString(value.room_id);
    return roomId === undefined ? undefined : this.#parts.rooms.heads.find(roomId);
  }

  #waiting(): number {
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum;
  }

  #count(key: CountKey, change: number): void {
    const count = (this.#counts.get(countKey(key)) ?? 0) + change;
    if (count > 0) this.#counts.set(countKey(key), count);
    else this.#counts.delete(countKey(key));
  }

  /** Processes an event. `attempt` counts the attempts from 0 on. */
  async #process(staged: StagedEvent, attempt: number): Promise<Outcome> {
    const { roomId, eventId, origin } = staged;
    const head = await this.#parts.rooms.heads.find(roomId);
    const key = parsedKey(staged);
    const incoming =
      head && (this.#parsed.get(key)?.incoming ?? readIncoming(parseJson(staged.json), head.version).incoming);
    if (head === undefined || incoming === undefined) return PROCESSED;
    this.#parsed.delete(key);
    // The last user of this server has left since the event arrived. Nobody answers what is missing before it any more.
    if (!(await this.#isReceived(head, origin))) return PROCESSED;
    try {
      const { event, stored } = await this.#parts.receiver.decide(
        head,
        incoming,
        await this.#asked(head, origin, attempt),
      );
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

  /**
   * Returns the server that is asked for what is missing before an event: the one that has sent it, and in every second attempt
   * another one in the room, because the first may not have it, or not answer any more.
   */
  async #asked(head: Head, origin: string, attempt: number): Promise<string> {
    if (attempt % 2 === 0) return origin;
    const others = (await this.#parts.rooms.servers.others(head)).filter((server) => server !== origin);
    return others[((attempt - 1) / 2) % others.length] ?? origin;
  }

  /** Returns whether an event that could not be processed is tried again. */
  #failed({ roomId, eventId, origin }: StagedEvent, error: unknown): Outcome {
    const { log, background } = this.#parts;
    if (!(error instanceof NotReceived || error instanceof FederationError)) {
      // One event that this program cannot process must not hold up the others of the room.
      background.setAside('processing received events', { roomId, eventId, origin }, error);
      return PROCESSED;
    }
    if (error instanceof NotReceived && error.isFinal) {
      this.#received.add(1, { outcome: 'dropped' });
      log.info('an event of another server was dropped', { roomId, eventId, origin, reason: error.message });
      return PROCESSED;
    }
    const missing = error instanceof NotReceived ? error.missing : undefined;
    return { ...PROCESSED, waits: { message: error.message, missing } };
  }
}

/** An event as it was read when it arrived, and the length of its JSON text in characters. */
interface ParsedEvent {
  readonly incoming: IncomingEvent;
  readonly length: number;
}

interface CountKey {
  readonly roomId: string;
  readonly origin: string;
}

function countKey({ roomId, origin }: CountKey): string {
  return `${origin} ${roomId}`;
}

function parsedKey({ eventId, origin }: { readonly eventId: string; readonly origin: string }): string {
  return `${origin} ${eventId}`;
}
