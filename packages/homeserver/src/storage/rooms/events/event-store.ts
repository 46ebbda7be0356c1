import { cacheBytes, textBytes } from '../../../platform/caches/cache-size.ts';
import { LruMap } from '../../../platform/caches/lru.ts';
import { inSlices } from '../../../platform/concurrency/in-slices.ts';
import { type Database, sql, type Write, write } from '../../engine/database.ts';
import type { Names } from '../../engine/names.ts';
import { decodeProof, type EventProof, encodeProof } from './event-proof.ts';
import { eventIdOfStored, type Standing, StoredEvent, storedEventId } from './stored-event.ts';

const COLUMNS =
  'e.num, e.id, e.room, e.seq, e.type, e.sender, e.state_key, e.ts, e.depth, e.standing, e.snapshot, e.replaces, e.redacted_by, e.content, e.extra, r.version';
const readByNum = sql(`SELECT ${COLUMNS} FROM events e JOIN rooms r ON r.num = e.room WHERE e.num IN @list`);
const readById = sql('SELECT num FROM events WHERE id = ?');
const readByIds = sql('SELECT num, id FROM events WHERE id IN @blobs');
const readProofs = sql('SELECT num, proof FROM events WHERE num IN @list');
const insert = sql(
  'INSERT INTO events (num, id, room, seq, type, sender, state_key, ts, depth, standing, snapshot, replaces, redacted_by, content, proof, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
);
const redact = sql('UPDATE events SET redacted_by = ?, content = ? WHERE num = ?');

interface Row {
  num: number;
  id: Uint8Array;
  room: number;
  seq: number | null;
  type: number;
  sender: number;
  state_key: number | null;
  ts: number;
  depth: number;
  standing: Standing;
  snapshot: number;
  replaces: number | null;
  redacted_by: number | null;
  content: string;
  extra: string | null;
  version: string;
}

const CACHED_MAX = 10_000;
/** One query reads so many; others have their turn before the next. */
const READ_AT_ONCE = 2_000;

/** Events by number, the recently used ones in memory. */
export class EventStore {
  readonly #database: Database;
  readonly #names: Names;
  readonly #cache: LruMap<number, StoredEvent>;
  /** Events that may not be on the disk yet: they are in memory however many others are read. */
  readonly #pending = new Map<number, StoredEvent>();

  /** @param cachedMax so many stay in memory */
  constructor(database: Database, names: Names, cachedMax = CACHED_MAX) {
    this.#database = database;
    this.#names = names;
    this.#cache = new LruMap(cachedMax, { bytesMax: cacheBytes(96), bytesOf: eventBytes });
  }

  /** The write that stores a new event, which from now on is in memory. After the commit call {@link stored}. */
  insert(event: StoredEvent, proof: EventProof): Write {
    this.#pending.set(event.num, event);
    this.#cache.set(event.num, event);
    const { num, room, seq, typeNum, senderNum, stateKeyNum, ts, depth, standing, snapshot, replaces } = event;
    const values = [num, storedEventId(event.eventId), room, seq, typeNum, senderNum, stateKeyNum, ts, depth, standing];
    const rest = [snapshot, replaces, event.redactedBy, event.contentText, encodeProof(proof), event.extra];
    return write(insert, ...values, ...rest);
  }

  /** The write that takes an event's content away, and the event as it is then. Call {@link replace} after the commit. */
  redact(event: StoredEvent, redactedBy: number, contentText: string): { write: Write; redacted: StoredEvent } {
    const redacted = new StoredEvent(event, contentText, redactedBy);
    return { write: write(redact, redactedBy, contentText, event.num), redacted };
  }

  /** Puts a changed event in place of the one in memory, with what has been found out about that one. */
  replace(event: StoredEvent): void {
    const before = this.#cache.get(event.num);
    event.transaction = before?.transaction;
    event.aggregations = before?.aggregations;
    this.#cache.set(event.num, event);
  }

  /** New events are on the disk. */
  stored(events: readonly StoredEvent[]): void {
    for (const { num } of events) this.#pending.delete(num);
  }

  /** Forgets events whose commit failed. */
  forget(nums: Iterable<number>): void {
    for (const num of nums) {
      this.#pending.delete(num);
      this.#cache.delete(num);
    }
  }

  /** The event if it is in memory. */
  cached(num: number): StoredEvent | undefined {
    return this.#cache.get(num) ?? this.#pending.get(num);
  }

  /** Events by number with one query for many (and one for names); those that do not exist are missing. */
  async load(nums: Iterable<number>): Promise<ReadonlyMap<number, StoredEvent>> {
    const found = new Map<number, StoredEvent>();
    const absent: number[] = [];
    for (const num of nums) {
      const event = this.cached(num);
      if (event === undefined) absent.push(num);
      else found.set(num, event);
    }
    for (const event of await inSlices(absent, READ_AT_ONCE, (some) => this.#read(some))) found.set(event.num, event);
    return found;
  }

  async #read(nums: readonly number[]): Promise<StoredEvent[]> {
    const rows = await this.#database.all<Row>(readByNum, nums);
    const texts = await this.#names.texts(
      rows.flatMap((row) => [row.room, row.type, row.sender, row.state_key ?? row.room]),
    );
    return rows.map((row) => {
      const event = this.cached(row.num) ?? toEvent(row, texts);
      this.#cache.set(row.num, event);
      return event;
    });
  }

  /** Events in the order of `nums`, without those that do not exist. */
  async list(nums: readonly number[]): Promise<StoredEvent[]> {
    const cached = eventsOf(nums, { get: (num) => this.cached(num) });
    return cached.length === nums.length ? cached : eventsOf(nums, await this.load(nums));
  }

  async one(num: number): Promise<StoredEvent | undefined> {
    return this.cached(num) ?? (await this.load([num])).get(num);
  }

  /** An event by its id. */
  async byId(eventId: string): Promise<StoredEvent | undefined> {
    const row = await this.#database.first<{ num: number }>(readById, storedEventId(eventId));
    const event = row === undefined ? undefined : await this.one(row.num);
    // Two spellings of one hash exist, that of room version 3 and the URL-safe one; only the room's own is the id.
    return event?.eventId === eventId ? event : undefined;
  }

  /** The numbers of events by id, with one query. */
  async numsOf(eventIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const byStored = new Map(eventIds.map((id) => [Buffer.from(storedEventId(id)).toString('latin1'), id]));
    const rows = await this.#database.all<{ num: number; id: Uint8Array }>(readByIds, eventIds.map(storedEventId));
    return new Map(
      rows.flatMap(({ num, id }) => {
        const eventId = byStored.get(Buffer.from(id).toString('latin1'));
        return eventId === undefined ? [] : [[eventId, num] as const];
      }),
    );
  }

  /** The parts of events for other servers. */
  async proofs(nums: readonly number[]): Promise<ReadonlyMap<number, EventProof>> {
    const rows = await this.#database.all<{ num: number; proof: Uint8Array }>(readProofs, nums);
    return new Map(rows.map(({ num, proof }) => [num, decodeProof(proof)]));
  }
}

/** The text is kept as stored, as clients get it, and in part parsed. */
function eventBytes({ contentText }: StoredEvent): number {
  return 1_000 + 2 * textBytes(contentText);
}

/** Events in the order of their numbers, without those that are not among `events`. */
export function eventsOf(nums: Iterable<number>, events: { get(num: number): StoredEvent | undefined }): StoredEvent[] {
  const found: StoredEvent[] = [];
  for (const num of nums) {
    const event = events.get(num);
    if (event !== undefined) found.push(event);
  }
  return found;
}

function toEvent(row: Row, texts: ReadonlyMap<number, string>): StoredEvent {
  const fields = {
    num: row.num,
    eventId: eventIdOfStored(row.id, row.version === '3'),
    room: row.room,
    roomId: named(texts, row.room),
    seq: row.seq,
    typeNum: row.type,
    type: named(texts, row.type),
    senderNum: row.sender,
    sender: named(texts, row.sender),
    stateKeyNum: row.state_key,
    stateKey: row.state_key === null ? undefined : named(texts, row.state_key),
    ts: row.ts,
    depth: row.depth,
    standing: row.standing,
    snapshot: row.snapshot,
    replaces: row.replaces,
    extra: row.extra,
  };
  return new StoredEvent(fields, row.content, row.redacted_by);
}

function named(texts: ReadonlyMap<number, string>, num: number): string {
  const text = texts.get(num);
  if (text === undefined) throw new Error(`no name has the number ${num}`);
  return text;
}
