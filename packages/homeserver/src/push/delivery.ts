import type { Clock, Timer } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
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
  readonly #waiting = new Set<number>();
  readonly #running = new Set<number>();
  readonly #failures = new Map<number, number>();
  readonly #later = new Map<number, Timer>();
  #isClosed = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
  }

  /** Continues with the notifications that the last process has left. */
  async resume(): Promise<void> {
    this.wake(await readWaitingPushers(this.#parts.database));
  }

  /** Starts the delivery of queued notifications. Pushers that wait because of a failure continue to wait. */
  wake(pushers: Iterable<number>): void {
    for (const pusher of pushers) if (!this.#later.has(pusher)) this.#waiting.add(pusher);
    this.#start();
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#later.values()) timer.cancel();
    this.#later.clear();
    this.#waiting.clear();
  }

  #start(): void {
    for (const pusher of this.#waiting) {
      if (this.#isClosed || this.#running.size >= AT_ONCE_MAX) return;
      if (this.#running.has(pusher)) continue;
      this.#waiting.delete(pusher);
      this.#running.add(pusher);
      this.#parts.background.start('delivering notifications', () => this.#run(pusher));
    }
  }

  async #run(num: number): Promise<void> {
    try {
      const pusher = await readPusher(this.#parts.database, num);
      const channel = pusher === undefined ? undefined : this.#parts.channelOf(pusher.kind);
      if (pusher !== undefined && channel !== undefined) await this.#work(pusher, channel);
    } finally {
      this.#running.delete(num);
      this.#start();
    }
  }

  async #work(pusher: PusherRow, channel: Channel): Promise<void> {
    while (!this.#isClosed) {
      const queue = await readPushQueue(this.#parts.database, pusher.num, READ_AT_ONCE);
      if (queue.length === 0) return;
      if (!(await this.#settle(pusher, await this.#deliver(pusher, channel, queue)))) return;
    }
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

  /** Processes an outcome. Returns whether delivery continues at once. */
  async #settle(pusher: PusherRow, outcome: Outcome): Promise<boolean> {
    const { database, pushers } = this.#parts;
    switch (outcome.kind) {
      case 'done':
        this.#failures.delete(pusher.num);
        await database.commit([deletePushesUpTo(pusher.num, outcome.upTo)]);
        return true;
      case 'later':
        this.#wait(pusher.num, outcome.afterMs);
        return false;
      case 'rejected':
        this.#failures.delete(pusher.num);
        await pushers.remove([pusher]);
        return false;
      default: {
        const failures = (this.#failures.get(pusher.num) ?? 0) + 1;
        this.#failures.set(pusher.num, failures);
        await database.commit([deleteExcessPushes(pusher.num, QUEUED_MAX)]);
        this.#wait(pusher.num, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), RETRY_MS_MAX));
        return false;
      }
    }
  }

  #wait(pusher: number, ms: number): void {
    if (this.#isClosed) return;
    const timer = this.#parts.clock.after(ms, () => {
      this.#later.delete(pusher);
      this.wake([pusher]);
    });
    this.#later.set(pusher, timer);
  }
}
