import { backOffMs } from '../platform/back-off.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { KeyedTasks } from '../platform/concurrency/keyed-tasks.ts';
import type { Database } from '../storage/engine/database.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import {
  deleteExcessPushes,
  deletePushesUpTo,
  type QueuedPush,
  readPushQueue,
  readWaitingPushers,
} from '../storage/push/push-queue.ts';
import { type PusherRow, readPusher } from '../storage/push/pushers.ts';
import type { Channel, Outcome } from './channel.ts';
import type { Pushers } from './pushers.ts';

interface DeliveryParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly background: Background;
  readonly pushers: Pushers;
  /** Returns the channel of a kind of pusher; undefined if it is not configured. */
  readonly channelOf: (kind: string) => Channel | undefined;
}

/** Others wait, so that slow gateways do not take up everything. */
const AT_ONCE_MAX = 20;
const READ_AT_ONCE = 50;
/** The number of notifications that wait for a pusher at most; the oldest is dropped first. */
const QUEUED_MAX = 500;
const FIRST_RETRY_MS = 1_000;
const RETRY_MS_MAX = 60 * 60_000;

/**
 * Delivers queued notifications, in order for each pusher. A notification is deleted after it was acknowledged, so that
 * a server that was killed sends it again.
 */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #tasks: KeyedTasks<number>;
  readonly #failures = new Map<number, number>();

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    const { clock, background } = parts;
    const name = 'delivering notifications';
    this.#tasks = new KeyedTasks({ clock, background, name, runningMax: AT_ONCE_MAX }, (pusher) => this.#run(pusher));
  }

  /** Continues with the notifications that the last process has left. */
  async resume(): Promise<void> {
    this.wake(await readWaitingPushers(this.#parts.database));
  }

  /** Starts the delivery of queued notifications. Pushers that wait because of a failure continue to wait. */
  wake(pushers: Iterable<number>): void {
    this.#tasks.wake(pushers);
  }

  close(): void {
    this.#tasks.close();
  }

  /** Delivers the notifications of a pusher. Returns the time to wait after a failure, in milliseconds. */
  async #run(num: number): Promise<number | undefined> {
    const { database, channelOf } = this.#parts;
    const pusher = await readPusher(database, num);
    const channel = pusher === undefined ? undefined : channelOf(pusher.kind);
    if (pusher === undefined || channel === undefined) return undefined;
    while (!this.#tasks.isClosed) {
      const queue = await readPushQueue(database, num, READ_AT_ONCE);
      if (queue.length === 0) return undefined;
      const outcome = await this.#deliver(pusher, channel, queue);
      const afterMs = await this.#settle(pusher, outcome);
      if (outcome.kind !== 'done') return afterMs;
    }
    return undefined;
  }

  /** Delivers some of the queue. If that throws, the first event is tried alone and then skipped. */
  async #deliver(pusher: PusherRow, channel: Channel, queue: readonly QueuedPush[]): Promise<Outcome> {
    const { database, background } = this.#parts;
    let outcome: Outcome = { kind: 'failed' };
    const failure = await failureOfRow(database, async () => {
      outcome = await channel.deliver(pusher, queue);
    });
    if (failure === undefined) return outcome;
    const [first, second] = queue;
    if (first !== undefined && second !== undefined) return this.#deliver(pusher, channel, [first]);
    background.setAside('push', { pusher: pusher.num, event: first?.event }, failure);
    return { kind: 'done', upTo: first?.event ?? 0 };
  }

  /** Processes an outcome. Returns the time to wait before the next attempt, in milliseconds, if there is one. */
  async #settle(pusher: PusherRow, outcome: Outcome): Promise<number | undefined> {
    const { database, pushers } = this.#parts;
    switch (outcome.kind) {
      case 'done':
        this.#failures.delete(pusher.num);
        await database.commit([deletePushesUpTo(pusher.num, outcome.upTo)]);
        return undefined;
      case 'later':
        return outcome.afterMs;
      case 'rejected':
        this.#failures.delete(pusher.num);
        await pushers.remove([pusher]);
        return undefined;
      default: {
        const failures = (this.#failures.get(pusher.num) ?? 0) + 1;
        this.#failures.set(pusher.num, failures);
        await database.commit([deleteExcessPushes(pusher.num, QUEUED_MAX)]);
        return backOffMs(failures, FIRST_RETRY_MS, RETRY_MS_MAX);
      }
    }
  }
}
