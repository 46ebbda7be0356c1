import type { Clock } from '../platform/clock.ts';
import type { Database } from '../storage/database.ts';
import { type MediaKey, type MediaRow, setMediaUsed } from '../storage/media.ts';

/** It is days that count. */
const NOTED_EVERY_MS = 6 * 60 * 60_000;
/** More are not waited for: they are written at once. */
const UNWRITTEN_MAX = 5_000;

/** When somebody last read what is only kept while it is read. Written rarely, and harmless to lose. */
export class LastUsed {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #unwritten = new Map<string, MediaKey>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Notes that somebody has read it. */
  touch({ origin, media_id, used }: MediaRow): void {
    if (this.#clock.now() - used < NOTED_EVERY_MS) return;
    this.#unwritten.set(`${origin} ${media_id}`, { origin, media_id });
    if (this.#unwritten.size > UNWRITTEN_MAX) void this.flush();
  }

  /** Writes what has been noted. */
  async flush(): Promise<void> {
    const now = this.#clock.now();
    const writes = [...this.#unwritten.values()].map((key) => setMediaUsed(key, now));
    this.#unwritten.clear();
    if (writes.length > 0) await this.#database.commit(writes);
  }
}
