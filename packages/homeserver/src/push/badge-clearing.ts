import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { Badges } from './badges.ts';
import type { HttpChannel } from './http-channel.ts';
import type { Pushers } from './pushers.ts';

interface BadgeClearingParts {
  readonly stream: Stream;
  readonly clock: Clock;
  readonly background: Background;
  readonly names: Names;
  readonly pushers: Pushers;
  readonly badges: Badges;
  readonly httpChannel: HttpChannel;
}

/** The delay after a receipt. A user who reads on sends receipts in several rooms; the gateway is told once. */
const CLEAR_AFTER_MS = 5_000;
/** The number of users whose badges wait to be cleared at most. */
const WAITING_MAX = 10_000;

/** Notifies push gateways when a user has read everything, so that apps clear their badges. */
export class BadgeClearing {
  readonly #parts: BadgeClearingParts;
  readonly #waiting = new Set<number>();
  #isClosed = false;

  constructor(parts: BadgeClearingParts) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      if (parts.pushers.users.size === 0) return;
      for (const change of changes)
        if (change.kind === 'receipt' && parts.pushers.users.has(change.user)) this.#schedule(change.user);
    });
  }

  /** Stops processing receipts. */
  close(): void {
    this.#isClosed = true;
  }

  #schedule(user: number): void {
    if (this.#isClosed || this.#waiting.has(user) || this.#waiting.size >= WAITING_MAX) return;
    this.#waiting.add(user);
    this.#parts.clock.after(CLEAR_AFTER_MS, () => {
      this.#waiting.delete(user);
      this.#parts.background.start('clearing a badge', () => this.#clear(user));
    });
  }

  async #clear(user: number): Promise<void> {
    const { names, pushers, badges, httpChannel } = this.#parts;
    const rows = (await pushers.of(user)).filter(({ kind }) => kind === 'http');
    if (rows.length === 0 || (await badges.of({ num: user, id: await names.text(user) })) > 0) return;
    for (const row of rows) {
      const { kind } = await httpChannel.clearBadge(row);
      if (kind === 'rejected') await pushers.remove([row]);
    }
  }
}
