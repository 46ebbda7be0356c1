import { cacheBytes, textBytes } from '../../../platform/caches/cache-size.ts';
import { LruMap } from '../../../platform/caches/lru.ts';
import { inSlices } from '../../../platform/concurrency/in-slices.ts';
import { NOT_LOADED, type Source } from '../../../platform/lookups/source.ts';
import { type Database, sql, type Write, write } from '../../engine/database.ts';
import type { Names } from '../../engine/names.ts';
import { decodeAuthNums, decodeProof, type EventProof, encodeProof } from './event-proof.ts';
import { EVENT_COLUMNS, type EventRow, toEvent } from './event-row.ts';
import { eventsOf } from './events-of.ts';
import {
  eventIdOfStored,
  isRepeated,
  repeatedEventId,
  StoredEvent,
  storedEventId,
  storedIdBounds,
} from './stored-event.ts';

const readByNum = sql(`SELECT ${EVENT_COLUMNS} FROM events e JOIN rooms r ON r.num = e.room WHERE e.num IN @list`);
const readById = sql('SELECT num FROM events WHERE id = ?');
const readByIds = sql('SELECT num, id FROM events WHERE id IN @blobs');
const readRows = sql('SELECT num FROM events WHERE id >= ? AND id < ?');
const readIds = sql('SELECT e.num, e.id, r.version FROM events e JOIN rooms r ON r.num = e.room WHERE e.num IN @list');
const readProofs = sql('SELECT num, proof FROM events WHERE num IN @list');
const insert = sql(
  'INSERT INTO events (num, id, room, seq, type, sender, state_key, ts, depth, standing, snapshot, graph_snapshot, snapshot_after, replaces, redacted_by, content, proof, extra) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
);
const placeOutlier = sql(
  'UPDATE events SET seq = ?, standing = ?, snapshot = ?, graph_snapshot = ?, snapshot_after = ?, replaces = ?, proof = ? WHERE num = ?',
);
const reconsider = sql(
  'UPDATE events SET seq = ?, standing = ?, snapshot = ?, graph_snapshot = ?, snapshot_after = ?, replaces = ? WHERE num = ?',
);
const markRepeated = sql('UPDATE events SET id = ? WHERE num = ?');
const redact = sql('UPDATE events SET redacted_by = ?, content = ? WHERE num = ?');

/** Bounds of the two caches, in events and in MiB. */
const CACHED_MAX = { state: 20_000, messages: 10_000 } as const;
const CACHED_MIB = { state: 56, messages: 40 } as const;
/** The maximum number of cached event ids, of about 100 bytes. */
const IDS_MAX = 50_000;
/** The maximum number of events in one query. Other requests run between two queries. */
const READ_AT_ONCE = 2_000;

/**
 * Reads and writes events, and caches the recently used ones. State events have a cache of their own, because every
 * decision and answer of a room needs them: messages of other rooms must not evict them.
 */
export class EventStore {
  readonly #database: Database;
  readonly #names: Names;
  readonly #state: LruMap<number, StoredEvent>;
  readonly #messages: LruMap<number, StoredEvent>;
  /** Events whose commit may not have ended. They are never evicted. */
  readonly #pending = new Map<number, StoredEvent>();
  /** The proofs of these events. */
  readonly #pendingProofs = new Map<number, EventProof>();
  /** The numbers of events that were used lately, by event id. */
  readonly #ids = new LruMap<string, number>(IDS_MAX);

  /** Events by number; `undefined` for a number without an event. */
  readonly source: Source<number, StoredEvent | undefined> = {
    peek: (num) => this.cached(num) ?? NOT_LOADED,
    load: async (nums) => {
      const found = await this.load(nums);
      return (num) => found.get(num);
    },
  };

  /** @param cachedMax the maximum number of events in each cache */
  constructor(
    database: Database,
    names: Names,
    cachedMax: { readonly state: number; readonly messages: number } = CACHED_MAX,
  ) {
    this.#database = database;
    this.#names = names;
    const cache = (kind: 'state' | 'messages') =>
      new LruMap<number, StoredEvent>(cachedMax[kind], { bytesMax: cacheBytes(CACHED_MIB[kind]), bytesOf: eventBytes });
    this.#state = cache('state');
    this.#messages = cache('messages');
  }

  /** Returns the write that stores a new event, and caches the event. The caller calls {@link stored} after the commit. */
  insert(event: StoredEvent, proof: EventProof): Write {
    this.#pending.set(event.num, event);
    this.#pendingProofs.set(event.num, proof);
    this.#cacheOf(event).set(event.num, event);
    this.#ids.set(event.eventId, event.num);
    const { num, room, seq, typeNum, senderNum, stateKeyNum, ts, depth, standing, snapshot, replaces } = event;
    const values = [num, storedEventId(event.eventId), room, seq, typeNum, senderNum, stateKeyNum, ts, depth, standing];
    const rest = [
      snapshot,
      event.graphSnapshot,
      event.after,
      replaces,
      event.redactedBy,
      event.contentText,
      encodeProof(proof),
      event.extra,
    ];
    return write(insert, ...values, ...rest);
  }

  /**
   * Returns the write that gives an outlier its place in the timeline. The caller calls {@link replace} after the commit.
   */
  place(event: StoredEvent, proof: EventProof): Write {
    const { num, seq, standing, snapshot, graphSnapshot, after, replaces } = event;
    return write(placeOutlier, seq, standing, snapshot, graphSnapshot, after, replaces, encodeProof(proof), num);
  }

  /**
   * Returns the write that stores the standing and the place of an event, and the states at it, when they have changed. The
   * caller calls {@link replace} after the commit.
   */
  reconsider({ num, seq, standing, snapshot, graphSnapshot, after, replaces }: StoredEvent): Write {
    return write(reconsider, seq, standing, snapshot, graphSnapshot, after, replaces, num);
  }

  /** Returns the write that frees the id of an event outside of the timeline that is stored anew in it. */
  markRepeated({ num, eventId }: StoredEvent): Write {
    return write(markRepeated, repeatedEventId(eventId, num), num);
  }

  /**
   * Returns the write that removes an event's content, and the event without it. The caller calls {@link replace} after
   * the commit.
   */
  redact(event: StoredEvent, redactedBy: number, contentText: string): { write: Write; redacted: StoredEvent } {
    const redacted = new StoredEvent(event, contentText, redactedBy);
    return { write: write(redact, redactedBy, contentText, event.num), redacted };
  }

  /** Replaces the cached event by a changed one, which keeps the transaction and the aggregations. */
  replace(event: StoredEvent): void {
    const cache = this.#cacheOf(event);
    const before = cache.get(event.num);
    event.transaction = before?.transaction;
    event.aggregations = before?.aggregations;
    cache.set(event.num, event);
  }

  /** Records that new events are on disk. */
  stored(events: readonly StoredEvent[]): void {
    for (const { num } of events) {
      this.#pending.delete(num);
      this.#pendingProofs.delete(num);
    }
  }

  /** Removes events whose commit has failed from memory. */
  forget(nums: Iterable<number>): void {
    for (const num of nums) {
      const event = this.cached(num);
      if (event !== undefined) this.#ids.delete(event.eventId);
      this.#pending.delete(num);
      this.#pendingProofs.delete(num);
      this.#messages.delete(num);
      this.#state.delete(num);
    }
  }

  /** Returns the event if it is in memory. */
  cached(num: number): StoredEvent | undefined {
    return this.#messages.get(num) ?? this.#state.get(num) ?? this.#pending.get(num);
  }

  /** Loads events by number, with one query for events and one for names. Events that do not exist are missing. */
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
    const rows = await this.#database.all<EventRow>(readByNum, nums);
    const texts = await this.#names.texts(
      rows.flatMap((row) => [row.room, row.type, row.sender, row.state_key ?? row.room]),
    );
    return rows.map((row) => {
      const event = this.cached(row.num) ?? toEvent(row, texts);
      this.#cacheOf(event).set(row.num, event);
      if (!isRepeated(row.id)) this.#ids.set(event.eventId, row.num);
      return event;
    });
  }

  #cacheOf(event: StoredEvent): LruMap<number, StoredEvent> {
    return event.isState ? this.#state : this.#messages;
  }

  /** Returns events in the order of `nums`, without those that do not exist. */
  async list(nums: readonly number[]): Promise<StoredEvent[]> {
    const cached = eventsOf(nums, { get: (num) => this.cached(num) });
    return cached.length === nums.length ? cached : eventsOf(nums, await this.load(nums));
  }

  async one(num: number): Promise<StoredEvent | undefined> {
    return this.cached(num) ?? (await this.load([num])).get(num);
  }

  /** Returns an event by its id. */
  async byId(eventId: string): Promise<StoredEvent | undefined> {
    const known = this.#ids.get(eventId);
    if (known !== undefined) return this.one(known);
    const row = await this.#database.first<{ num: number }>(readById, storedEventId(eventId));
    const event = row === undefined ? undefined : await this.one(row.num);
    // One hash has two spellings, that of room version 3 and the URL-safe one. Only the spelling of the room is the id.
    return event?.eventId === eventId ? event : undefined;
  }

  /** Returns the numbers of events by id, with one query. */
  async numsOf(eventIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const absent: string[] = [];
    for (const eventId of eventIds) {
      const num = this.#ids.get(eventId);
      if (num === undefined) absent.push(eventId);
      else found.set(eventId, num);
    }
    if (absent.length === 0) return found;
    const byStored = new Map(absent.map((id) => [Buffer.from(storedEventId(id)).toString('latin1'), id]));
    const rows = await this.#database.all<{ num: number; id: Uint8Array }>(readByIds, absent.map(storedEventId));
    for (const { num, id } of rows) {
      const eventId = byStored.get(Buffer.from(id).toString('latin1'));
      if (eventId !== undefined) found.set(eventId, num);
    }
    return found;
  }

  /** Returns the numbers of all rows of events by id, also of those whose event was received again and stored anew. */
  async rowsOf(eventIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
    // The database does not have rows yet whose commit has not ended.
    const found = new Map(Array.from(await this.numsOf(eventIds), ([eventId, num]) => [eventId, [num]]));
    for (const eventId of eventIds) {
      const rows = await this.#database.all<{ num: number }>(readRows, ...storedIdBounds(eventId));
      found.set(eventId, [...rows.map(({ num }) => num), ...(found.get(eventId) ?? [])]);
    }
    return found;
  }

  /** Returns the stored events among some ids, by id. */
  async byIds(eventIds: readonly string[]): Promise<ReadonlyMap<string, StoredEvent>> {
    const events = await this.load((await this.numsOf(eventIds)).values());
    return new Map(Array.from(events.values(), (event) => [event.eventId, event]));
  }

  /** Returns the ids of events by number, with one query. The events are not loaded, so that many ids can be read. */
  async idsOf(nums: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>();
    const absent: number[] = [];
    for (const num of nums) {
      const event = this.cached(num);
      if (event === undefined) absent.push(num);
      else found.set(num, event.eventId);
    }
    if (absent.length === 0) return found;
    for (const row of await this.#database.all<Pick<EventRow, 'num' | 'id' | 'version'>>(readIds, absent))
      found.set(row.num, eventIdOfStored(row.id, row.version));
    return found;
  }

  /** Returns the numbers of the auth events of events. */
  async authNums(nums: readonly number[]): Promise<ReadonlyMap<number, readonly number[]>> {
    // A commit may end during the query, which then does not see it.
    const pending = this.#pendingOf(nums);
    const rows = await this.#database.all<{ num: number; proof: Uint8Array }>(readProofs, nums);
    const found = new Map(rows.map(({ num, proof }) => [num, decodeAuthNums(proof)]));
    for (const [num, { auth }] of pending) found.set(num, [...auth]);
    return found;
  }

  /** Returns the parts of events that only other servers need. */
  async proofs(nums: readonly number[]): Promise<ReadonlyMap<number, EventProof>> {
    const pending = this.#pendingOf(nums);
    const rows = await this.#database.all<{ num: number; proof: Uint8Array }>(readProofs, nums);
    return new Map([...rows.map(({ num, proof }) => [num, decodeProof(proof)] as const), ...pending]);
  }

  /** Returns the proofs of events whose commit may not have ended. */
  #pendingOf(nums: readonly number[]): (readonly [number, EventProof])[] {
    return nums.flatMap((num) => {
      const proof = this.#pendingProofs.get(num);
      return proof === undefined ? [] : [[num, proof] as const];
    });
  }
}

/** Estimates the memory of an event: its text as it is stored and as clients get it, and a part of it parsed. */
function eventBytes({ contentText }: StoredEvent): number {
  return 1_000 + 2 * textBytes(contentText);
}
