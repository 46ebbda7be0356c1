import { conflictingUnsubscription, notFound, notInThread, userLimitExceeded } from '@hearth/protocol/errors.ts';
import { Serial } from '../platform/concurrency/serial.ts';
import { relationOf } from '../rooms/events/relations.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Stream } from '../storage/engine/stream.ts';
import {
  countThreadSubscriptions,
  deleteThreadSubscriptions,
  putThreadSubscription,
  readThreadSubscription,
  type ThreadKey,
  type ThreadSubscriptionRow,
} from '../storage/push/thread-subscriptions.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { ReadableEvents } from '../timeline/readable-events.ts';

/** A thread in the path of a request. */
export interface ThreadPath {
  readonly roomId: string;
  readonly eventId: string;
}

const OF_USER_MAX = 20_000;

/** The thread subscriptions of users (MSC4306, "Thread Subscriptions"). */
export class ThreadSubscriptions {
  readonly #database: Database;
  readonly #stream: Stream;
  readonly #readable: ReadableEvents;
  readonly #serial = new Serial<number>();

  constructor(database: Database, stream: Stream, readable: ReadableEvents) {
    this.#database = database;
    this.#stream = stream;
    this.#readable = readable;
  }

  /**
   * Returns a user's subscription to a thread. @throws MatrixError M_NOT_FOUND without one, or if the user may not see
   * the thread
   */
  async get(user: number, path: ThreadPath): Promise<{ automatic: boolean }> {
    const row = await readThreadSubscription(this.#database, await this.#key(user, path));
    if (row?.is_subscribed !== 1) throw notFound('You are not subscribed to this thread');
    return { automatic: row.is_automatic === 1 };
  }

  /** Subscribes a user to a thread manually. @throws MatrixError M_NOT_FOUND */
  subscribe(user: number, path: ThreadPath): Promise<void> {
    return this.#serial.run(user, async () => {
      const key = await this.#key(user, path);
      const row = await readThreadSubscription(this.#database, key);
      const isSo = row?.is_subscribed === 1 && row.is_automatic === 0;
      if (!isSo) await this.#put(key, row, { is_subscribed: 1, is_automatic: 0 });
    });
  }

  /**
   * Subscribes a user to a thread because of an event in it, unless the user has unsubscribed after that event.
   * @throws MatrixError M_NOT_FOUND, or one of the two errors of MSC4306
   */
  subscribeAutomatically(user: number, path: ThreadPath, causeId: string): Promise<void> {
    return this.#serial.run(user, async () => {
      const key = await this.#key(user, path);
      const { event } = await this.#readable.find(user, causeId, path.roomId);
      if (!isInThread(event, path.eventId)) throw notInThread('The event is not in this thread');
      const row = await readThreadSubscription(this.#database, key);
      if (row?.is_subscribed === 1) return;
      if (row !== undefined && event.num <= row.position) {
        throw conflictingUnsubscription('You have unsubscribed from this thread since then');
      }
      await this.#put(key, row, { is_subscribed: 1, is_automatic: 1 });
    });
  }

  /** Unsubscribes a user from a thread. @throws MatrixError M_NOT_FOUND if the user may not see the thread */
  unsubscribe(user: number, path: ThreadPath): Promise<void> {
    return this.#serial.run(user, async () => {
      const key = await this.#key(user, path);
      const row = await readThreadSubscription(this.#database, key);
      if (row?.is_subscribed === 1) await this.#put(key, row, { is_subscribed: 0, is_automatic: 0 });
    });
  }

  /** Deletes all data of a deactivated user. */
  async forget(user: number): Promise<void> {
    await this.#database.commit([deleteThreadSubscriptions(user)]);
  }

  async #key(user: number, { roomId, eventId }: ThreadPath): Promise<ThreadKey> {
    const { event } = await this.#readable.find(user, eventId, roomId);
    return { user, room: event.room, root: event.num };
  }

  async #put(
    key: ThreadKey,
    before: ThreadSubscriptionRow | undefined,
    row: Omit<ThreadSubscriptionRow, 'position'>,
  ): Promise<void> {
    if (before === undefined && (await countThreadSubscriptions(this.#database, key.user)) >= OF_USER_MAX) {
      throw userLimitExceeded('about:blank', false, 'You are subscribed to too many threads');
    }
    const position = this.#stream.next();
    await this.#stream.commit(
      [putThreadSubscription(key, { ...row, position })],
      [{ kind: 'thread-subscription', position, user: key.user }],
    );
  }
}

/** Returns whether an event is in a thread. The root is not, so that it causes no subscription. */
function isInThread(event: StoredEvent, root: string): boolean {
  const relation = relationOf(event);
  return relation?.relType === 'm.thread' && relation.parent === root;
}
