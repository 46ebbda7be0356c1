import type { Clock } from '../platform/clock.ts';
import type { Database } from '../storage/engine/database.ts';
import { RareWrites } from '../storage/engine/rare-writes.ts';
import { type MediaKey, type MediaRow, setMediaUsed } from '../storage/media/media.ts';

/** It is days that count. */
const NOTED_EVERY_MS = 6 * 60 * 60_000;

/** When somebody last read what is only kept while it is read. */
export class LastUsed {
  readonly #clock: Clock;
  readonly #noted: RareWrites<string, { readonly media: MediaKey; readonly ts: number }>;

  constructor(database: Database, clock: Clock) {
    this.#clock = clock;
    this.#noted = new RareWrites(database, (_, { media, ts }) => setMediaUsed(media, ts));
  }

  /** Notes that somebody has read it. */
  touch({ origin, media_id, used }: MediaRow): void {
    const ts = this.#clock.now();
    if (ts - used >= NOTED_EVERY_MS) this.#noted.note(`${origin} ${media_id}`, { media: { origin, media_id }, ts });
  }

  /** Writes what has been noted. */
  flush(): Promise<void> {
    return this.#noted.flush();
  }
}
