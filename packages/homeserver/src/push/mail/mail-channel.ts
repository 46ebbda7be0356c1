import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { QueuedPush } from '../../storage/push/push-queue.ts';
import type { PusherRow } from '../../storage/push/pushers.ts';
import type { Channel, Outcome } from '../channel.ts';
import type { NotifiableEvents } from '../notifiable-events.ts';
import type { RoomNames } from '../room-name.ts';
import type { SendMail } from './mailer.ts';
import { type Missed, missedMail } from './missed-mail.ts';

interface MailChannelParts {
  readonly clock: Clock;
  readonly names: Names;
  readonly roomNames: RoomNames;
  readonly notifiable: NotifiableEvents;
  readonly sendMail: SendMail;
  /** The time for which a message must be unread. */
  readonly afterMs: number;
  /** The shortest time between two mails to one pusher. */
  readonly everyMs: number;
}

const SENT_MAX = 50_000;
/** A mail that could not be sent for this time is dropped. */
const TOLD_MS_MAX = 3 * 24 * 60 * 60_000;

/** Sends one mail about all messages that were not read for a while. */
export class MailChannel implements Channel {
  readonly #parts: MailChannelParts;
  readonly #sent = new LruMap<number, number>(SENT_MAX);

  constructor(parts: MailChannelParts) {
    this.#parts = parts;
  }

  async deliver(pusher: PusherRow, queue: readonly QueuedPush[]): Promise<Outcome> {
    const { clock, sendMail, names, roomNames, afterMs, everyMs } = this.#parts;
    const missed = await this.#missed(pusher.user_num, queue);
    const done: Outcome = { kind: 'done', upTo: queue.at(-1)?.event ?? 0 };
    const [oldest] = missed;
    if (oldest === undefined) return done;
    const due = Math.max(oldest.event.ts + afterMs, (this.#sent.get(pusher.num) ?? Number.NEGATIVE_INFINITY) + everyMs);
    const now = clock.now();
    if (now < due) return { kind: 'later', afterMs: due - now };
    const userId = await names.text(pusher.user_num);
    try {
      await sendMail(await missedMail(roomNames, { user: pusher.user_num, userId, address: pusher.pushkey }, missed));
    } catch {
      return { kind: 'failed' };
    }
    this.#sent.set(pusher.num, now);
    return done;
  }

  async #missed(user: number, queue: readonly QueuedPush[]): Promise<Missed[]> {
    const missed: Missed[] = [];
    for (const { event: num } of queue) {
      const worth = await this.#parts.notifiable.find(user, num);
      if (worth !== undefined && this.#parts.clock.now() - worth.event.ts <= TOLD_MS_MAX) missed.push(worth);
    }
    return missed;
  }
}
