import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import type { Follower, NewFollower } from '../timeline/follower.ts';
import type { PusherRequest } from './check-pusher.ts';
import type { Delivery } from './delivery.ts';
import type { PushQueue } from './push-queue.ts';
import type { Pushers } from './pushers.ts';

interface PushParts {
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly pushers: Pushers;
  readonly queue: PushQueue;
  readonly delivery: Delivery;
}

/** Long enough for a burst to be looked at together. */
const FOLLOW_AFTER_MS = 100;
/** Follows the stream and queues notifications for users who have pushers. Senders do not wait for it. */
export class Push {
  readonly #parts: PushParts;
  readonly #follower: Follower;
  readonly #queued = new Set<number>();
  #isScheduled = false;
  #isClosed = false;

  constructor(parts: PushParts, newFollower: NewFollower) {
    this.#parts = parts;
    this.#follower = newFollower('push', async (events) => {
      const { writes, pushers } = await parts.queue.enqueue(events);
      for (const pusher of pushers) this.#queued.add(pusher);
      return writes;
    });
    parts.stream.listen((changes) => {
      if (parts.pushers.users.size > 0 && changes.some(isEvent)) this.#schedule();
    });
  }

  /** Continues at the position of the last process. */
  async resume(): Promise<void> {
    if (this.#parts.pushers.users.size === 0) return;
    await this.#parts.delivery.resume();
    await this.#follow();
  }

  /** Sets a pusher as {@link Pushers.set}. Events from a time without any pusher are skipped. */
  async setPusher(owner: { readonly user: number; readonly device: number }, request: PusherRequest): Promise<void> {
    const { pushers } = this.#parts;
    const first: Write[] = pushers.users.size === 0 && request.kind !== null ? [this.#follower.skip()] : [];
    await pushers.set(owner, request, first);
  }

  /** Stops following the stream. The next start continues at this position. */
  close(): void {
    this.#isClosed = true;
    this.#parts.delivery.close();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return;
    this.#isScheduled = true;
    this.#parts.clock.after(FOLLOW_AFTER_MS, () => {
      this.#isScheduled = false;
      this.#parts.background.start('queueing notifications', () => this.#follow());
    });
  }

  async #follow(): Promise<void> {
    if (this.#isClosed) return;
    await this.#follower.catchUp();
    const pushers = [...this.#queued];
    this.#queued.clear();
    this.#parts.delivery.wake(pushers);
  }
}

function isEvent({ kind }: Change): boolean {
  return kind === 'event';
}
