import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Write } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Change, Stream } from '../storage/engine/stream.ts';
import { Follower, type FollowerParts } from '../timeline/follower.ts';
import { type BadgeDeps, badgeOf } from './badges.ts';
import type { PusherRequest } from './check-pusher.ts';
import type { Delivery } from './delivery.ts';
import { type EnqueueDeps, enqueue } from './enqueue.ts';
import type { HttpChannel } from './http-channel.ts';

export interface PushParts extends FollowerParts, EnqueueDeps, BadgeDeps {
  readonly names: Names;
  readonly events: FollowerParts['events'];
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly delivery: Delivery;
  readonly httpChannel: HttpChannel;
}

/** Long enough for a burst to be looked at together. */
const FOLLOW_AFTER_MS = 100;
/** A user who reads on clears more than one room: the gateway is told once. */
const BADGE_AFTER_MS = 5_000;
/** Icons that wait to be cleared; more are not. */
const BADGES_MAX = 10_000;

/** Follows the stream for those who have pushers, and sees to it that they are told. Senders do not wait for it. */
export class Push {
  readonly #parts: PushParts;
  readonly #follower: Follower;
  readonly #queued = new Set<number>();
  readonly #cleared = new Set<number>();
  #isScheduled = false;
  #isClosed = false;

  constructor(parts: PushParts) {
    this.#parts = parts;
    this.#follower = new Follower(parts, 'push', async (events) => {
      const { writes, pushers } = await enqueue(parts, events);
      for (const pusher of pushers) this.#queued.add(pusher);
      return writes;
    });
    parts.stream.listen((changes) => {
      if (parts.pushers.users.size > 0) for (const change of changes) this.#hear(change);
    });
  }

  /** Goes on where the last process was. */
  async resume(): Promise<void> {
    if (this.#parts.pushers.users.size === 0) return;
    await this.#parts.delivery.resume();
    await this.#follow();
  }

  /** As {@link Pushers.set}. Events from a time without any pusher are skipped. */
  async setPusher(owner: { readonly user: number; readonly device: number }, request: PusherRequest): Promise<void> {
    const { pushers } = this.#parts;
    const first: Write[] = pushers.users.size === 0 && request.kind !== null ? [this.#follower.skip()] : [];
    await pushers.set(owner, request, first);
  }

  /** Looks at nothing any more; the next start goes on there. */
  close(): void {
    this.#isClosed = true;
    this.#parts.delivery.close();
  }

  #hear(change: Change): void {
    if (this.#isClosed) return;
    if (change.kind === 'event') this.#schedule();
    else if (change.kind === 'receipt' && this.#parts.pushers.users.has(change.user)) this.#read(change.user);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#parts.clock.after(FOLLOW_AFTER_MS, () => {
      this.#isScheduled = false;
      this.#parts.background.start('looking for events to push', () => this.#follow());
    });
  }

  async #follow(): Promise<void> {
    if (this.#isClosed) return;
    await this.#follower.catchUp();
    const pushers = [...this.#queued];
    this.#queued.clear();
    this.#parts.delivery.wake(pushers);
  }

  #read(user: number): void {
    if (this.#cleared.has(user) || this.#cleared.size >= BADGES_MAX) return;
    this.#cleared.add(user);
    this.#parts.clock.after(BADGE_AFTER_MS, () => {
      this.#cleared.delete(user);
      this.#parts.background.start('clearing a badge', () => this.#clearBadge(user));
    });
  }

  async #clearBadge(user: number): Promise<void> {
    const { names, pushers, httpChannel } = this.#parts;
    const rows = (await pushers.of(user)).filter(({ kind }) => kind === 'http');
    if (rows.length === 0 || (await badgeOf(this.#parts, { num: user, id: await names.text(user) })) > 0) return;
    for (const row of rows) {
      const { kind } = await httpChannel.clearBadge(row);
      if (kind === 'rejected') await pushers.remove([row]);
    }
  }
}
