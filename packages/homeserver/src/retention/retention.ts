import { asInteger } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';
import type { Lookups } from '../platform/lookups/lookups.ts';
import type { Heads } from '../rooms/heads.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';

/** The lifetimes of messages in milliseconds; `undefined` where nothing is deleted. */
export interface RetentionSettings {
  readonly defaultMs: number | undefined;
  readonly minMs: number | undefined;
  readonly maxMs: number | undefined;
}

/** Computes how long rooms keep their messages (MSC1763, `m.room.retention`). State is kept forever. */
export class Retention {
  readonly #settings: RetentionSettings | undefined;
  readonly #heads: Heads;
  readonly #clock: Clock;

  constructor(settings: RetentionSettings | undefined, heads: Heads, clock: Clock) {
    this.#settings = settings;
    this.#heads = heads;
    this.#clock = clock;
  }

  /** Whether messages are ever deleted. */
  get isActive(): boolean {
    return this.#settings !== undefined;
  }

  /** Returns the time before which messages of a room are deleted or about to be; `undefined` if none are. */
  async expiredBefore(room: number): Promise<number | undefined> {
    if (this.#settings === undefined) return undefined;
    const policy = await (await this.#heads.byNum(room))?.state('m.room.retention');
    return this.expiredBeforeBy(policy);
  }

  /** Returns the same as {@link expiredBefore} for a room with this `m.room.retention`. */
  expiredBeforeBy(policy: StoredEvent | undefined): number | undefined {
    const lifetimeMs = this.#settings === undefined ? undefined : lifetimeOf(this.#settings, policy);
    return lifetimeMs === undefined ? undefined : this.#clock.now() - lifetimeMs;
  }

  /** Returns the events without the expired ones. */
  withoutExpired(lookups: Lookups, room: number, events: readonly StoredEvent[]): readonly StoredEvent[] {
    const head = lookups.get(this.#heads.source, room);
    const policy = head && lookups.get(this.#heads.stateSource, { head, type: 'm.room.retention', stateKey: '' });
    const before = this.expiredBeforeBy(policy);
    return before === undefined ? events : events.filter(({ ts, isState }) => isState || ts >= before);
  }
}

/** Returns the lifetime that the room's policy asks for, within the server's limits. An invalid policy counts as none. */
function lifetimeOf(settings: RetentionSettings, policy: StoredEvent | undefined): number | undefined {
  const { defaultMs, minMs = 0, maxMs = Number.POSITIVE_INFINITY } = settings;
  const asked = asInteger(policy?.content.max_lifetime);
  const wanted = asked !== undefined && asked > 0 ? asked : defaultMs;
  if (wanted === undefined) return Number.isFinite(maxMs) ? maxMs : undefined;
  return Math.min(Math.max(wanted, minMs), maxMs);
}
