import { forbidden, invalidParam, notFound } from '@hearth/protocol/errors.ts';
import type { AccountData } from '../account-data/account-data.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import { LoadingCache } from '../platform/caches/loading-cache.ts';
import { RecentChanges } from '../platform/caches/recent-changes.ts';
import type { Clock } from '../platform/clock.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import { NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { EventPlace, FindEventPlace, Membership } from '../rooms/membership/membership-view.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { RoomPosition } from '../storage/rooms/events/timeline-store.ts';
import {
  deleteReceipt,
  PRIVATE_RECEIPT,
  PUBLIC_RECEIPT,
  putReceipt,
  type ReceiptRow,
  readReceipts,
  readReceiptsSince,
} from '../storage/rooms/receipts.ts';
import { keyOf, RoomReceipts } from './room-receipts.ts';

/** The user who sends a receipt. */
export interface ReceiptSender {
  readonly user: number;
  readonly userId: string;
}

/** A receipt of type `m.read` that another server has sent. `thread` is empty for a receipt without a thread. */
export interface RemoteReceipt {
  readonly thread: string;
  readonly eventId: string;
  readonly ts: number;
}

/** Where a receipt belongs. */
type ReceiptTarget = Pick<ReceiptRow, 'room' | 'type' | 'thread' | 'event_id' | 'ts'>;

interface Parts {
  readonly database: Database;
  readonly stream: Stream;
  readonly names: Names;
  readonly clock: Clock;
  readonly membership: Membership;
  readonly eventPlace: FindEventPlace;
  readonly accountData: AccountData;
}

const ROOMS_CACHED_MAX = 5_000;
const RECENT_MAX = 100_000;
/** The maximum number of receipts of a user in a room. Further ones replace the oldest. */
const OWN_MAX = 500;

/** The place of an event that this server does not have. */
const UNKNOWN_PLACE: Pick<EventPlace, 'seq'> = { seq: 0 };

const STORED_TYPES: ReadonlyMap<string, number> = new Map([
  ['m.read', PUBLIC_RECEIPT],
  ['m.read.private', PRIVATE_RECEIPT],
]);

/** Positions up to which users have read (client-server API, "Receipts", "Fully read markers"). */
export class Receipts {
  readonly #parts: Parts;
  readonly #rooms: LoadingCache<number, RoomReceipts>;
  readonly #recent: RecentChanges<ReceiptRow>;
  readonly #serial = new Serial<number>();
  #observer: ((receipt: ReceiptRow) => void) | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#recent = new RecentChanges(RECENT_MAX, parts.stream.current);
    this.#rooms = new LoadingCache(
      ROOMS_CACHED_MAX,
      { bytesMax: cacheBytes(32), bytesOf: ({ size }) => 100 + 250 * size },
      async (room) => new RoomReceipts(await readReceipts(parts.database, [room])),
    );
  }

  /** Sets the observer of public receipts of users of this server. It is called when a receipt is on disk. */
  observeWith(observer: (receipt: ReceiptRow) => void): void {
    this.#observer = observer;
  }

  /** Returns all receipts of a room, including private ones. */
  async receiptsOf(room: number): Promise<RoomReceipts> {
    return this.#rooms.get(room);
  }

  /** The receipts of rooms, including private ones. Missing ones are read with one query. */
  readonly source: Source<number, RoomReceipts> = {
    peek: (room) => this.#rooms.peek(room) ?? NOT_LOADED,
    load: async (rooms) => {
      const found = await this.receiptsOfRooms(rooms);
      return (room) => found.get(room) ?? new RoomReceipts([]);
    },
  };

  /** The receipts of a room that changed after a position, including private ones. */
  readonly changesSource: Source<RoomPosition, readonly ReceiptRow[]> = {
    peek: ({ room, position }) => this.#recent.since([room], position) ?? NOT_LOADED,
    load: async (keys) => {
      const position = Math.min(...keys.map((key) => key.position));
      const rooms = new Set(keys.map(({ room }) => room));
      const rows = Map.groupBy(await readReceiptsSince(this.#parts.database, [...rooms], position), ({ room }) => room);
      return (key) => (rows.get(key.room) ?? []).filter((row) => row.position > key.position);
    },
    idOf: ({ room, position }) => `${room}/${position}`,
  };

  /** Returns all receipts of several rooms with at most one query. */
  receiptsOfRooms(rooms: Iterable<number>): Promise<ReadonlyMap<number, RoomReceipts>> {
    return this.#rooms.many(rooms, async (missing) => {
      const rows = Map.groupBy(await readReceipts(this.#parts.database, missing), (row) => row.room);
      return new Map(missing.map((room) => [room, new RoomReceipts(rows.get(room) ?? [])]));
    });
  }

  /**
   * Stores a receipt of any type from a client. A receipt that would move back has no effect.
   * @throws MatrixError
   */
  async send(sender: ReceiptSender, roomId: string, type: string, eventId: string, thread?: string): Promise<void> {
    checkThread(type, thread);
    const room = await this.#joinedRoom(sender, roomId);
    await this.#serial.run(sender.user, async () => {
      const place = await this.#place(room, eventId);
      const stored = STORED_TYPES.get(type);
      if (stored === undefined) return this.#setFullyRead(sender.user, room, eventId, place);
      if (thread !== undefined && !belongsTo(place, thread))
        throw invalidParam('The event does not belong to this thread');
      // The thread of a redacted event is unknown.
      if (thread !== undefined && thread !== 'main') await this.#checkRoot(room, thread);
      const target = { room, type: stored, thread: thread ?? '', event_id: eventId, ts: this.#parts.clock.now() };
      const row = await this.#put(sender, target, place);
      if (row?.type === PUBLIC_RECEIPT) this.#observer?.(row);
    });
  }

  /**
   * Stores a receipt of a joined user of another server. Returns false if the event is not known, or not yet. A receipt
   * that would move back has no effect. One for an unknown event counts as earlier than all others.
   */
  async receive(sender: ReceiptSender, room: number, { thread, eventId, ts }: RemoteReceipt): Promise<boolean> {
    return this.#serial.run(sender.user, async () => {
      const place = await this.#parts.eventPlace(room, eventId);
      await this.#put(sender, { room, type: PUBLIC_RECEIPT, thread, event_id: eventId, ts }, place ?? UNKNOWN_PLACE);
      return place !== undefined;
    });
  }

  async #joinedRoom(sender: ReceiptSender, roomId: string): Promise<number> {
    const { membership } = this.#parts;
    const room = (await membership.isJoined(roomId, sender.user)) ? await membership.roomNum(roomId) : undefined;
    if (room === undefined) throw forbidden('You are not in this room');
    return room;
  }

  async #place(room: number, eventId: string): Promise<EventPlace> {
    const place = await this.#parts.eventPlace(room, eventId);
    if (place === undefined) throw notFound('The event does not exist in this room');
    return place;
  }

  async #checkRoot(room: number, thread: string): Promise<void> {
    if ((await this.#parts.eventPlace(room, thread)) === undefined) throw invalidParam('The thread does not exist');
  }

  async #put(
    sender: ReceiptSender,
    target: ReceiptTarget,
    place: Pick<EventPlace, 'seq'>,
  ): Promise<ReceiptRow | undefined> {
    const { stream, names } = this.#parts;
    const { room, type, thread } = target;
    const known = await this.#rooms.get(room);
    const before = known.get(sender.user, type, thread);
    const isUnknownAgain = place === UNKNOWN_PLACE && before?.seq === place.seq && before.event_id !== target.event_id;
    if (before !== undefined && before.seq >= place.seq && !isUnknownAgain) return undefined;
    const excess = oldestBeyond([...known.ofUser(sender.user)], before === undefined ? OWN_MAX - 1 : OWN_MAX);
    const { user: user_num, userId: user_id } = sender;
    const position = stream.next();
    const row = { ...target, user_num, user_id, seq: place.seq, position };
    const isPrivate = type === PRIVATE_RECEIPT;
    const change = { kind: 'receipt', position, room, user: user_num, private: isPrivate } as const;
    // The name of a user of another server whom no event has named yet may be new.
    const writes = [putReceipt(row), ...excess.map(deleteReceipt), ...names.inserts(user_num)];
    await stream.commit(writes, [change], () => {
      this.#recent.add(room, `${user_num} ${keyOf(row)}`, position, row);
      this.#rooms.update(room, (cached) => {
        for (const old of excess) cached.delete(old);
        cached.put(row);
      });
    });
    return row;
  }

  /** Sets `m.fully_read`, which is account data of the room ("Fully read markers"). */
  async #setFullyRead(user: number, room: number, eventId: string, place: EventPlace): Promise<void> {
    const { accountData } = this.#parts;
    const before = (await accountData.of(user)).get(room, 'm.fully_read');
    const beforeId = before === undefined ? undefined : fullyReadEvent(before.content);
    const beforePlace = beforeId === undefined ? undefined : await this.#parts.eventPlace(room, beforeId);
    if (beforePlace !== undefined && beforePlace.seq >= place.seq) return;
    await accountData.set(user, room, 'm.fully_read', JSON.stringify({ event_id: eventId }));
  }
}

/** Returns the event id of an `m.fully_read` that this server has written. */
function fullyReadEvent(content: string): string {
  return (JSON.parse(content) as { event_id: string }).event_id;
}

/**
 * Returns whether a receipt for a thread may name an event: a reply of the thread, its root, or an event that relates
 * to one of these (client-server API, "Threaded read receipts"). A redacted event may belong to any thread.
 */
function belongsTo({ thread: own, relatesTo }: EventPlace, thread: string): boolean {
  return own === undefined || own === thread || (own === 'main' && relatesTo.includes(thread));
}

/** Checks the type and the thread of a receipt. @throws MatrixError M_INVALID_PARAM */
function checkThread(type: string, thread: string | undefined): void {
  if (!STORED_TYPES.has(type) && type !== 'm.fully_read') throw invalidParam('The receipt type is not known');
  if (thread === undefined) return;
  if (type === 'm.fully_read') throw invalidParam('m.fully_read does not support threads');
  if (thread !== 'main' && !thread.startsWith('$')) throw invalidParam("thread_id must be 'main' or an event id");
}

function oldestBeyond(receipts: ReceiptRow[], keep: number): ReceiptRow[] {
  if (receipts.length <= keep) return [];
  return receipts.sort((a, b) => a.position - b.position).slice(0, receipts.length - keep);
}
