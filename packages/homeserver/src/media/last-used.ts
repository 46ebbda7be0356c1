import type { Clock } from '../platform/clock.ts';
import type { Database } from '../storage/engine/database.ts';
import { RareWrites } from '../storage/engine/rare-writes.ts';
import { type MediaKey, type MediaRow, setMediaUsed } from '../storage/media/media.ts';

/** The minimum interval between two recorded times, because they are compared with days. */
const NOTED_EVERY_MS = 6 * 60 * 60_000;

/** The times of the last download of media that are deleted when they are not read. */
export class LastUsed {
  readonly #clock: Clock;
  readonly #noted: RareWrites<string, { readonly media: MediaKey; readonly ts: number }>;

  constructor(database: Database, clock: Clock) {
    this.#clock = clock;
    this.#noted = new RareWrites(database, (_, { media, ts }) => setMediaUsed(media, ts));
  }

  /** Records a download. */
  touch({ origin, media_id, used }: MediaRow): void {
    const ts = this.#clock.now();
    if (ts - used >= NOTED_EVERY_MS) this.#noted.note(`${origin} ${media_id}`, { media: { origin, media_id }, ts });
  }

  /** Writes the recorded times. */
  flush(): Promise<void> {
    return this.#noted.flush();
  }
}
