import {
  asArray,
  asInteger,
  asObject,
  asString,
  isObject,
  type JsonObject,
  type JsonValue,
} from '@hearth/protocol/json/value.ts';
import type { EduQueue } from '../federation/sending/edu-queue.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Head } from '../rooms/head.ts';
import type { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { ReceiptRow } from '../storage/rooms/receipts.ts';
import type { EarlyReceipts } from './early-receipts.ts';
import type { ReceiptSender, Receipts, RemoteReceipt } from './receipts.ts';

interface Parts {
  readonly receipts: Receipts;
  readonly early: EarlyReceipts;
  readonly sharedRooms: SharedRooms;
  readonly queue: EduQueue;
  readonly names: Names;
  readonly clock: Clock;
  readonly background: Background;
}

/** Rooms and receipts in one EDU. Further ones are ignored. */
const ROOMS_MAX = 100;
const RECEIPTS_MAX = 1_000;
const ID_LENGTH_MAX = 255;
/** The time for which receipts of a room are collected, for each server in the room. */
const WAIT_PER_SERVER_MS = 20;
const WAIT_MAX_MS = 10_000;
const WAITING_ROOMS_MAX = 10_000;
/** The number of receipts that are sent in one EDU. */
const RECEIPTS_TOGETHER_MAX = 100;

/** Receipts in rooms with other servers (server-server API, "Receipts"). Private receipts stay on their server. */
export class RemoteReceipts {
  readonly #parts: Parts;
  /** The receipts that wait until they are sent, by room and then by user and thread. */
  readonly #waiting = new Map<number, Map<string, ReceiptRow>>();
  #batches = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Sends a public receipt of a user of this server. */
  send(receipt: ReceiptRow): void {
    const { background } = this.#parts;
    background.start('sending a receipt to other servers', () => this.#send(receipt));
  }

  /** Returns the same key for all contents, because the receipts of a user may follow each other. */
  keyOf(): string {
    return '';
  }

  /** Processes an EDU of type `m.receipt`. */
  async handle(origin: string, content: JsonObject): Promise<void> {
    const { sharedRooms } = this.#parts;
    let left = RECEIPTS_MAX;
    for (const [roomId, types] of Object.entries(content).slice(0, ROOMS_MAX)) {
      const users = isObject(types) ? asObject(types['m.read']) : undefined;
      const head = users && (await sharedRooms.roomWith(origin, roomId));
      if (users === undefined || head === undefined) continue;
      const entries = Object.entries(users).slice(0, left);
      left -= entries.length;
      await Promise.all(entries.map(([userId, receipt]) => this.#receive(origin, head, userId, receipt)));
    }
  }

  async #receive(origin: string, head: Head, userId: string, value: JsonValue | undefined): Promise<void> {
    const { sharedRooms, receipts, early, clock } = this.#parts;
    const user = await sharedRooms.joinedUser(origin, head, userId);
    const receipt = parseReceipt(value, clock.now());
    if (user === undefined || receipt === undefined) return;
    const sender: ReceiptSender = { user, userId };
    if (!(await receipts.receive(sender, head.num, receipt))) early.keep(sender, head.num, receipt);
  }

  async #send(receipt: ReceiptRow): Promise<void> {
    const { sharedRooms, clock, background } = this.#parts;
    const { room } = receipt;
    const servers = await sharedRooms.serversIn(room);
    if (servers.length === 0) return;
    const key = `${receipt.user_num} ${receipt.thread}`;
    const waiting = this.#waiting.get(room);
    if (waiting !== undefined) {
      waiting.set(key, receipt);
      return;
    }
    await this.#queue(servers, room, [receipt]);
    if (servers.length * WAIT_PER_SERVER_MS < 100 || this.#waiting.size >= WAITING_ROOMS_MAX) return;
    // Further receipts in a room with many servers are sent together.
    this.#waiting.set(room, new Map());
    clock.after(Math.min(servers.length * WAIT_PER_SERVER_MS, WAIT_MAX_MS), () =>
      background.start('sending receipts to other servers', () => this.#sendWaiting(room)),
    );
  }

  async #sendWaiting(room: number): Promise<void> {
    const waiting = this.#waiting.get(room);
    this.#waiting.delete(room);
    if (waiting === undefined || waiting.size === 0) return;
    const servers = await this.#parts.sharedRooms.serversIn(room);
    // An EDU has one receipt of a user, so that receipts of different threads are in different EDUs.
    for (const receipts of Map.groupBy(waiting.values(), ({ thread }) => thread).values()) {
      for (let from = 0; from < receipts.length; from += RECEIPTS_TOGETHER_MAX)
        await this.#queue(servers, room, receipts.slice(from, from + RECEIPTS_TOGETHER_MAX));
    }
  }

  /** Queues receipts of different users in one thread. A single one replaces an earlier one that is not sent yet. */
  async #queue(servers: readonly string[], room: number, receipts: readonly ReceiptRow[]): Promise<void> {
    const { names, queue } = this.#parts;
    const [first] = receipts;
    if (first === undefined) return;
    const users = Object.fromEntries(receipts.map((receipt) => [receipt.user_id, contentOf(receipt)]));
    const edu = { edu_type: 'm.receipt', content: { [await names.text(room)]: { 'm.read': users } } };
    this.#batches += 1;
    const key = receipts.length === 1 ? `${first.user_num} ${first.thread}` : `batch ${this.#batches}`;
    for (const server of servers) queue.queueEdu(server, `m.receipt ${room} ${key}`, edu);
  }
}

function contentOf({ event_id: eventId, thread, ts }: ReceiptRow): JsonObject {
  return { event_ids: [eventId], data: thread === '' ? { ts } : { ts, thread_id: thread } };
}

/** Returns a receipt of an EDU; undefined if it is malformed. The receipt is for the last of its events. */
function parseReceipt(value: JsonValue | undefined, now: number): RemoteReceipt | undefined {
  const receipt = asObject(value);
  const eventId = asString(asArray(receipt?.event_ids)?.at(-1));
  if (receipt === undefined || eventId === undefined || eventId.length > ID_LENGTH_MAX) return undefined;
  const data = asObject(receipt.data);
  const ts = Math.min(Math.max(asInteger(data?.ts) ?? now, 0), now);
  if (data?.thread_id === undefined) return { thread: '', eventId, ts };
  const thread = asString(data.thread_id);
  const isThread = thread === 'main' || (thread?.startsWith('$') === true && thread.length <= ID_LENGTH_MAX);
  return thread !== undefined && isThread ? { thread, eventId, ts } : undefined;
}
