import type { Receipts } from '../receipts/receipts.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { UserRooms } from '../rooms/membership/user-rooms.ts';
import { threadsOf } from '../rooms/threads.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { marksAsRead, readMarks } from '../unread/read-marks.ts';

/** Decides which events still need a notification. */
export class NotifiableEvents {
  readonly #heads: Heads;
  readonly #events: EventStore;
  readonly #userRooms: UserRooms;
  readonly #receipts: Receipts;

  constructor(heads: Heads, events: EventStore, userRooms: UserRooms, receipts: Receipts) {
    this.#heads = heads;
    this.#events = events;
    this.#userRooms = userRooms;
    this.#receipts = receipts;
  }

  /** Returns an event, unless the user has read it or has left since, or it was redacted. */
  async find(user: number, num: number): Promise<{ event: StoredEvent; head: Head } | undefined> {
    const event = await this.#events.one(num);
    if (event === undefined || event.redactedBy !== null) return undefined;
    if (event.seq === null && !event.isOutside) return undefined;
    const head = await this.#heads.byNum(event.room);
    const row = await this.#userRooms.one(user, event.room);
    if (head === undefined || row === undefined) return undefined;
    if (row.membership !== 'join') {
      return row.membership === 'invite' && row.event === num ? { event, head } : undefined;
    }
    const receipts = await this.#receipts.receiptsOf(event.room);
    const thread = (await threadsOf(this.#events, [event])).get(num);
    const isRead = (event.seq ?? 0) <= readMarks([...receipts.ofUser(user)]).of(thread);
    return isRead || (await this.#hasAnswered(user, event, head, thread)) ? undefined : { event, head };
  }

  /** Returns whether a user has sent something in the thread of an event after it, as far as the head has the timeline. */
  async #hasAnswered(user: number, event: StoredEvent, head: Head, thread: string | undefined): Promise<boolean> {
    const later = await this.#events.list(head.numsAfter(event.seq ?? 0) ?? []);
    const own = later.filter((each) => marksAsRead(each, user));
    const threads = await threadsOf(this.#events, own);
    return own.some(({ num }) => threads.get(num) === thread);
  }
}
